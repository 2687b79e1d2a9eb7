package catalog

import (
	"regexp"
	"strings"
	"testing"
)

// Nothing of these may be left of rich text: elements that run, load or ask for
// something, attributes that do, addresses that are programs.
var harmful = []*regexp.Regexp{
	regexp.MustCompile(`(?i)<\s*/?(script|style|object|embed|applet|form|input|button|textarea|select|svg|math|link|meta|base|template|noscript|frame|frameset|xml|html|body|head|audio|video|source|portal|marquee)\b`),
	regexp.MustCompile(`(?i)<[^>]*\s(on\w+|srcdoc|formaction|action|background|xlink:href|ping|nonce|autofocus|contenteditable|sandbox|allow)\s*=`),
	regexp.MustCompile(`(?i)<[^>]*=\s*["']?[\s\x00-\x20]*(javascript|vbscript|livescript|mocha|data:(text|application|image/svg)|file|blob|about)\s*:?`),
	regexp.MustCompile(`(?i)style="[^"]*(expression|url\s*\(|@import|behavior|-moz-binding|position|z-index)`),
	regexp.MustCompile(`(?i)<iframe[^>]*src="(?:[^h]|h[^t]|http:)`),
	regexp.MustCompile(`<!--|<!\[CDATA|<\?`),
}

// TestRichTextIsHarmless feeds what has passed other sanitisers.
func TestRichTextIsHarmless(t *testing.T) {
	for _, in := range []string{
		`<script>alert(1)</script>`, `<SCRIPT SRC=https://evil.example/x.js></SCRIPT>`, `<scr<script>ipt>alert(1)</scr</script>ipt>`,
		`<script/xss src="https://evil.example/x.js"></script>`, `<<script>alert(1);//<</script>`, "<script\x0c>alert(1)</script>",
		`<img src=x onerror=alert(1)>`, `<img src="x" ONERROR="alert(1)">`, `<img/src="x"/onerror=alert(1)>`, "<img src=x\nonerror\n=\nalert(1)>",
		`<img src="javascript:alert(1)">`, `<img src=" &#14;  javascript:alert(1);">`, `<img src="jav&#x09;ascript:alert(1)">`, `<img src="jav&#x0A;ascript:alert(1);">`,
		`<img src="data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+">`, `<img src="data:text/html,<script>alert(1)</script>">`,
		`<img """><script>alert(1)</script>">`, `<img srcset="javascript:alert(1) 1x">`, `<img src=x:alert(alt) onerror=eval(src) alt=0>`,
		`<a href="javascript:alert(1)">a</a>`, `<a href="JaVaScRiPt:alert(1)">a</a>`, `<a href="&#106;avascript:alert(1)">a</a>`, "<a href=\"java\tscript:alert(1)\">a</a>",
		"<a href=\"\x01javascript:alert(1)\">a</a>", `<a href="vbscript:msgbox(1)">a</a>`, `<a href="data:text/html;base64,PHNjcmlwdD4=">a</a>`, `<a href="https://ok.example" onclick="alert(1)">a</a>`,
		`<a href="//evil.example" ping="https://evil.example">a</a>`, `<a style="position:fixed;top:0;left:0;z-index:9999" href="https://evil.example">a</a>`,
		`<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`, `<svg><a xlink:href="javascript:alert(1)"><text>a</text></a></svg>`, `<svg><animate onbegin=alert(1)>`,
		`<math><mi//xlink:href="data:x,<script>alert(1)</script>">`, `<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>`,
		`<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>`, `<style><img src="</style><img src=x onerror=alert(1)>"></style>`,
		`<textarea><img title="</textarea><img src=x onerror=alert(1)>"></textarea>`, `<title><img title="</title><img src=x onerror=alert(1)>"></title>`,
		`<xmp><img title="</xmp><img src=x onerror=alert(1)>"></xmp>`, `<template><img src=x onerror=alert(1)></template>`, `<select><template><img src=x onerror=alert(1)></template></select>`,
		`<!--<img src="--><img src=x onerror=alert(1)//">`, `<!--[if gte IE 4]><script>alert(1)</script><![endif]-->`, `<![CDATA[<script>alert(1)</script>]]>`, `<?xml version="1.0"?><script>alert(1)</script>`,
		`<iframe src="javascript:alert(1)"></iframe>`, `<iframe srcdoc="<script>alert(1)</script>" src="https://ok.example"></iframe>`, `<iframe src="data:text/html,x"></iframe>`, `<iframe src="http://insecure.example"></iframe>`,
		`<iframe src="https://ok.example" onload="alert(1)" allow="camera" sandbox=""></iframe>`, `<iframe src="https:javascript:alert(1)"></iframe>`,
		`<object data="javascript:alert(1)"></object>`, `<embed src="https://evil.example/x.swf">`, `<applet code=x></applet>`, `<base href="https://evil.example/">`, `<link rel=stylesheet href="https://evil.example/x.css">`,
		`<meta http-equiv="refresh" content="0;url=javascript:alert(1)">`, `<form action="https://evil.example"><input name=password><button formaction="javascript:alert(1)">x</button></form>`,
		`<div style="background:url(javascript:alert(1))">a</div>`, `<div style="width:expression(alert(1))">a</div>`, `<p style="color:red;background-image:url('https://evil.example')">a</p>`, `<p style="color:expression(alert(1))">a</p>`,
		`<style>@import 'https://evil.example/x.css';</style>`, `<body onload=alert(1)>`, `<body background="javascript:alert(1)">`, `<table background="javascript:alert(1)"><td>a</td></table>`,
		`<p onclick=alert(1)//>a</p>`, `<p/onmouseover=alert(1)>a`, `<p title="x" onfocus=alert(1) autofocus tabindex=1>a</p>`, `<video><source onerror="alert(1)"></video>`, `<audio src=x onerror=alert(1)>`, `<details open ontoggle=alert(1)>a</details>`,
		`<marquee onstart=alert(1)>a</marquee>`, `<portal src="https://evil.example">`, `<p contenteditable oninput=alert(1)>a</p>`, "<p \x00onclick=alert(1)>a</p>", `<p title='"onclick=alert(1)'>a</p>`, `<p title="&quot; onclick=alert(1) x=&quot;">a</p>`,
	} {
		out := sanitise(in)
		for _, bad := range harmful {
			// What is in an attribute's value, quoted, is text.
			if found := bad.FindString(quoted.ReplaceAllString(out, `title=""`)); found != "" {
				t.Errorf("%s\nleaves %s\nin %s", in, found, out)
			}
		}
		if again := sanitise(out); again != out {
			t.Errorf("%s\nbecomes %s\nand then %s", in, out, again)
		}
	}
}

var quoted = regexp.MustCompile(`title="[^"]*"`)

// TestRichTextKeepsItsForm: what the editor makes is stored as it was made.
func TestRichTextKeepsItsForm(t *testing.T) {
	for _, in := range []string{
		`<h1>a</h1><h2>b</h2><h3>c</h3>`, `<ul><li>a</li></ul><ol><li>b</li></ol>`, `<p><strong>a</strong> <em>b</em> <u>c</u> <s>d</s></p>`,
		`<p style="color: #ff0000">a</p>`, `<p style="color: red; background-color: rgb(1, 2, 3); text-align: center">a</p>`,
		`<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>`, `<blockquote>a</blockquote>`, `<pre><code>a &lt; b</code></pre>`,
		`<img src="https://a.example/b.png" alt="b" width="10" height="20"/>`, `<img src="data:image/png;base64,iVBORw0KGgo="/>`,
		`<iframe src="https://video.example/embed/1" width="560" height="315"></iframe>`,
		`<figure><img src="https://a.example/b.png"/><figcaption>a</figcaption></figure>`, `строка &amp; ещё`,
	} {
		if out := sanitise(in); out != in {
			t.Errorf("%s\nbecame %s", in, out)
		}
	}
	if out := sanitise(`<a href="https://a.example/?b=1">a</a>`); !strings.Contains(out, `href="https://a.example/?b=1"`) {
		t.Error(out)
	}
}
