package mail

import (
	"html"
	"strings"
	"testing"

	"kartoteka/internal/fault"
)

func TestFill(t *testing.T) {
	values := Values{"a": "1", "b.c": "<i>&\"'", "empty": "", "braces": "{{a}}{{/if}}", "VENDOR.title": "K"}
	deep := func(n int) string { return strings.Repeat("{{#if a}}", n) + "x" + strings.Repeat("{{/if}}", n) }
	cases := []struct{ name, in, want string }{
		{"text", "no placeholders } {", "no placeholders } {"},
		{"value", "{{a}}-{{ a }}", "1-1"},
		{"dotted", "{{VENDOR.title}}", "K"},
		{"escaped", "{{b.c}}", "&lt;i&gt;&amp;&#34;&#39;"},
		{"three braces escape too", "{{{b.c}}}", "&lt;i&gt;&amp;&#34;&#39;"},
		{"unknown", "[{{x}}{{x.y.z}}]", "[]"},
		{"value with braces", "{{braces}}", "{{a}}{{/if}}"},
		{"comment", "a{{! not {shown }}b", "ab"},
		{"if", "{{#if a}}yes{{/if}}", "yes"},
		{"if not", "{{#if x}}yes{{/if}}", ""},
		{"if empty", "{{#if empty}}yes{{else}}no{{/if}}", "no"},
		{"else", "{{#if a}}yes{{else}}no{{/if}}", "yes"},
		{"nested", "{{#if a}}{{#if x}}1{{else}}2{{#if b.c}}3{{/if}}{{/if}}4{{/if}}5", "2345"},
		{"blanks", "{{ #if   a }}yes{{ else }}no{{ /if }}", "yes"},
		{"deepest", deep(maxDepth), "x"},
		{"too deep", deep(maxDepth + 1), "!"},
		{"unclosed if", "{{#if a}}x", "!"},
		{"unclosed else", "{{#if a}}x{{else}}y", "!"},
		{"two elses", "{{#if a}}x{{else}}y{{else}}z{{/if}}", "!"},
		{"stray else", "x{{else}}", "!"},
		{"stray end", "x{{/if}}", "!"},
		{"open tag", "x {{a", "!"},
		{"unknown block", "{{#each a}}{{/each}}", "!"},
		{"partial", "{{> a}}", "!"},
		{"call", "{{a b}}", "!"},
		{"no name", "{{}}", "!"},
		{"if without a name", "{{#if}}x{{/if}}", "!"},
		{"dots", "{{a..b}}", "!"},
		{"too large", strings.Repeat("x", maxTemplate+1), "!"},
		{"too large when filled", strings.Repeat("{{long}}", 1<<14), "!"},
	}
	values["long"] = strings.Repeat("y", 200)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := fill(c.in, values, html.EscapeString)
			if (c.want == "!") != (err != nil) || err == nil && got != c.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestLetter(t *testing.T) {
	template := Template{
		Subject: "For {{name}}", From: " Sales\t& more ",
		HTML: `<style>p{}</style><h1>Hello {{name}}</h1><p>First<br>second &amp; third</p><p><a href="https://{{link}}">here</a> or <a href="https://x">https://x</a></p>`,
	}
	l, err := template.Fill("a@b.c", Values{"name": "<b>Eve</b>", "link": `h/?a=1&b="2"`})
	if err != nil {
		t.Fatal(err)
	}
	if l.Subject != "For <b>Eve</b>" || l.FromName != "Sales & more" || l.To != "a@b.c" {
		t.Errorf("%+v", l)
	}
	if want := "Hello <b>Eve</b>\n\nFirst\n\nsecond & third\n\nhere (https://h/?a=1&b=\"2\") or https://x\n"; l.Text != want {
		t.Errorf("%q", l.Text)
	}
	if !strings.Contains(l.HTML, "Hello &lt;b&gt;Eve&lt;/b&gt;") || strings.Contains(l.HTML, `b="2"`) {
		t.Error(l.HTML)
	}
	for _, bad := range []Template{{}, {HTML: " \n"}, {HTML: "{{#if"}, {HTML: "x", Subject: "{{"}} {
		if _, err := bad.Fill("a@b.c", nil); err == nil {
			t.Errorf("%+v is filled", bad)
		}
	}
}

// Each built-in text uses what its occasion gives, and nothing else.
func TestBuiltin(t *testing.T) {
	common := []string{"scheme", "companyLink", "VENDOR.title", "VENDOR.site", "VENDOR.siteUrl"}
	given := map[Code][]string{
		InviteRegistered: {"inviter", "inviteUser", "inviteEmail", "loginLink"},
		InviteNew:        {"inviter", "inviteUser", "inviteEmail", "loginLink"},
		InviteToRegister: {"inviteUser", "registerLink"},
		RegisterComplete: {"inviteEmail"},
		ResetPassword:    {"resetLink", "userName"},
	}
	links := map[Code]string{InviteRegistered: "loginLink", InviteNew: "loginLink", InviteToRegister: "registerLink", RegisterComplete: "companyLink", ResetPassword: "resetLink"}
	seen := map[string]bool{}
	for _, lang := range fault.Languages {
		for _, code := range Codes {
			values := Values{}
			for _, name := range append(common, given[code]...) {
				values[name] = "v-" + strings.ToLower(name)
			}
			values["scheme"] = "https"
			builtin := Builtin(code, lang)
			l, err := builtin.Fill("a@b.c", values)
			if err != nil {
				t.Fatalf("%s %s: %v", lang, code, err)
			}
			if link := "https://" + values[links[code]]; !strings.Contains(l.Text, link) || !strings.Contains(l.HTML, `<a href="`+link+`">`) {
				t.Errorf("%s %s lacks its link: %s", lang, code, l.Text)
			}
			if l.Subject == "" || builtin.Name == "" || strings.Contains(l.HTML+l.Subject, "{{") || seen[l.HTML] {
				t.Errorf("%s %s: %+v", lang, code, l)
			}
			seen[l.HTML] = true
			nothing, err := builtin.Fill("a@b.c", nil)
			if err != nil || strings.Contains(nothing.Text, ", !") {
				t.Errorf("%s %s without values: %q, %v", lang, code, nothing.Text, err)
			}
		}
	}
	if Builtin(ResetPassword, "xx") != Builtin(ResetPassword, "en") {
		t.Error("another language is not English")
	}
}

func TestIsAddress(t *testing.T) {
	for s, want := range map[string]bool{
		"a@b.c": true, "директор@example.com": true, "a+b@x.org": true,
		"": false, "a": false, "admin@": false, "@x": false, "a b@x.org": false, "A <a@b.c>": false, "a@b.c\n": false,
		"a@b.c,d@e.f": false, strings.Repeat("a", 251) + "@b.c": false,
	} {
		if IsAddress(s) != want {
			t.Errorf("%q: %t", s, !want)
		}
	}
}

// What a template does with values never makes a tag of them, and a filled text
// without placeholders is the template itself.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "{{a}}", "{{#if a}}b{{else}}c{{/if}}", "{{{a}}}", "{{", "}}", "{{! x}}", "{{#if a}}{{#if a}}{{/if}}"} {
		f.Add(s, "<x>")
	}
	f.Fuzz(func(t *testing.T, source, value string) {
		got, err := fill(source, Values{"a": value, "b.c": value}, html.EscapeString)
		if err != nil {
			return
		}
		if len(got) > maxFilled+len(html.EscapeString(value))+len(source) {
			t.Errorf("%d bytes", len(got))
		}
		if strings.Count(got, "<") > strings.Count(source, "<") {
			t.Errorf("%q and %q make %q", source, value, got)
		}
		if !strings.Contains(source, "{{") && got != source {
			t.Errorf("%q became %q", source, got)
		}
		if _, err := (Template{HTML: source, Subject: source}).Fill("a@b.c", Values{"a": value}); err == nil && strings.ContainsAny(oneLine(value), "\r\n") {
			t.Errorf("%q", value)
		}
	})
}
