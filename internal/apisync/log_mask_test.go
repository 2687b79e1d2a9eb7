package apisync

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// maskWorld is a configuration with a stored secret and an endpoint with sensitive lines.
func maskWorld(secret string) (*State, *Compiled) {
	line := func(key string) Line {
		l := newLine()
		l.ExternalKey, l.Sensitive = key, true
		return l
	}
	c := newConfig()
	c.Code, c.Endpoint.Endpoint = "goods", "g"
	c.Lines = []Line{line("passport"), line("owner.phones[0].number"), line(`a\.b`)}
	c.Credentials = []Credential{{Type: AuthHeader, Login: "X-Shop-Key"}}
	c.Headers = []Header{{Key: "X-Gate", Role: "require"}}
	s := &State{Settings: defaultSettings(), Configs: map[string]*Config{"goods": c}}
	s.Settings.Secrets["s"] = Secret{Sealed: testSealer.Seal(secret, place(0, namedField("s")))}
	compiled := &Compiled{Config: c, State: s}
	for i := range c.Lines {
		compiled.Lines = append(compiled.Lines, &CompiledLine{Line: &c.Lines[i]})
	}
	return s, compiled
}

var testSealer = func() *Sealer {
	s, err := NewSealer(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	return s
}()

func posted(c *Compiled, body string) *Exchanged {
	return &Exchanged{
		LogEntry: LogEntry{Time: time.Unix(1, 0), Direction: DirectionIn, Method: "POST", URL: "/bj_api_sync/v1/g", Outcome: OutcomeSuccess, Status: 201},
		State:    c.State, Config: c, Request: []byte(body), Admitted: true,
	}
}

func recordOf(e *Exchanged) LogRecord {
	trim(e)
	return newStateMasks(e.State, testSealer).record(e, nil)
}

func TestMaskKeys(t *testing.T) {
	_, c := maskWorld("")
	tests := []struct{ name, in, want string }{
		{"a string", `{"password":"hunter22","a":1}`, `{"password":"***","a":1}`},
		{"any case", `{ "PassWord" : "hunter22" }`, `{ "PassWord" : "***" }`},
		{"a number", `{"cvv":123,"a":1}`, `{"cvv":"***","a":1}`},
		{"null says nothing", `{"cvv":null}`, `{"cvv":null}`},
		{"an object", `{"token":{"a":["x}","y"]},"b":2}`, `{"token":"***","b":2}`},
		{"deep", `[{"a":[{"secret":"s"}]}]`, `[{"a":[{"secret":"***"}]}]`},
		{"an escaped key", `{"p\u0061ssword":"x"}`, `{"p\u0061ssword":"***"}`},
		{"an escaped quote", `{"token":"a\"b\\","c":1}`, `{"token":"***","c":1}`},
		{"twice", `{"token":"a","token":"b"}`, `{"token":"***","token":"***"}`},
		{"cut off in the value", `{"a":1,"token":"abcdef`, `{"a":1,"token":"***`},
		{"cut off in an object", `{"token":{"a":"abcdef`, `{"token":"***"`},
		{"cut off before the value", `{"token":`, `{"token":`},
		{"JSON in JSON", `{"s":"{\"token\":\"a\\\"b\",\"c\":1}"}`, `{"s":"{\"token\":\"***\",\"c\":1}"}`},
		{"a sensitive line", `{"passport":"AB 123456","note":"of AB 123456"}`, `{"passport":"***","note":"of ***"}`},
		{"the last step of a path", `{"owner":{"phones":[{"number":"0501112233"}]}}`, `{"owner":{"phones":[{"number":"***"}]}}`},
		{"a key with a dot", `{"a.b":"x"}`, `{"a.b":"***"}`},
		{"Python", `{'token': 'abc', 'n': None}`, `{'token': '***', 'n': None}`},
		{"a criterion", `[["passport","=","AB"],["a","=",1]]`, `[["passport","=","***"],["a","=",1]]`},
		{"a criterion of Python", `[('passport', 'in', ('AB','CD'))]`, `[('passport', 'in', "***")]`},
		{"a value is no key", `{"a":"password","b":"x"}`, `{"a":"password","b":"x"}`},
		{"a part of a key is none", `{"tokens":1,"my_token":"x"}`, `{"tokens":1,"my_token":"x"}`},
		{"not JSON", `don't say "token": "x", please`, `don't say "token": "***", please`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := posted(c, test.in)
			e.ErrorMessage = test.in
			r := recordOf(e)
			if r.RequestBody != test.want || r.ErrorMessage != test.want {
				t.Errorf("%s\nbecame %s\nand    %s\nwant   %s", test.in, r.RequestBody, r.ErrorMessage, test.want)
			}
		})
	}
}

func TestMaskAddress(t *testing.T) {
	_, c := maskWorld("")
	tests := []struct{ in, want string }{
		{"/g?a=1&token=abcdef&b=2", "/g?a=1&token=***&b=2"},
		{"/g?T%6Fken=abcdef", "/g?T%6Fken=***"},
		{"/g?passport=AB+12&x=AB%2012", "/g?passport=***&x=***"},
		{`/g?domain=[["passport","=","AB12"]]`, "/g?domain=" + url.QueryEscape(`[["passport","=","***"]]`)},
		{"/g?domain=" + url.QueryEscape(`[("passport","=","AB12")]`), "/g?domain=" + url.QueryEscape(`[("passport","=","***")]`)},
		{"/g?a=%zz&b", "/g?a=%zz&b"},
	}
	for _, test := range tests {
		e := posted(c, "")
		e.URL = test.in
		r := recordOf(e)
		if _, query, _ := strings.Cut(test.want, "?"); r.URL != test.want || r.Query != query {
			t.Errorf("%s\nbecame %s, query %s\nwant   %s", test.in, r.URL, r.Query, test.want)
		}
	}
}

func TestMaskHeaders(t *testing.T) {
	_, c := maskWorld("")
	e := posted(c, `{"note":"mine is correct horse, or tok-123456789, key-abcdefgh, gate-abcdefgh, sess-abcdefgh"}`)
	basic := base64.StdEncoding.EncodeToString([]byte("shop:correct horse"))
	e.RequestHeader = map[string][]string{
		"Authorization": {"Basic " + basic}, "Proxy-Authorization": {"Bearer tok-123456789"}, "X-Shop-Key": {"key-abcdefgh"},
		"X-Gate": {"gate-abcdefgh"}, "Cookie": {"a=1; sid=sess-abcdefgh"}, "X-Api-Key": {"k"}, "Token": {"t"}, "Accept": {"*/*"},
		"Referer": {"https://example.com/?token=abc&x=" + basic},
	}
	e.ResponseHeader = map[string][]string{"Set-Cookie": {"sid=x"}, "Etag": {"correct horse"}}
	r := recordOf(e)
	want := map[string]string{
		"Authorization": "Basic shop:***", "Proxy-Authorization": "***", "X-Shop-Key": "***", "X-Gate": "***", "Cookie": "***",
		"X-Api-Key": "***", "Token": "***", "Accept": "*/*", "Referer": "https://example.com/?token=***&x=***",
	}
	for name, value := range want {
		if got := r.RequestHeaders[name]; len(got) != 1 || got[0] != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if got := fmt.Sprint(r.ResponseHeaders); got != "map[Etag:[***] Set-Cookie:[***]]" {
		t.Error(got)
	}
	if want := `{"note":"mine is ***, or ***, ***, ***, ***"}`; r.RequestBody != want {
		t.Errorf("%s, want %s", r.RequestBody, want)
	}
}

func TestMaskWholeAndIdentifier(t *testing.T) {
	_, c := maskWorld("")
	c.Config.Lines[0].ExternalKey = "$"
	if r := recordOf(posted(c, `{"x":1}`)); r.RequestBody != "***" {
		t.Errorf("the item itself is sensitive: %s", r.RequestBody)
	}
	_, c = maskWorld("")
	c.Identifier = c.Lines[0]
	e := posted(c, `{"passport":"AB1"}`)
	e.URL, e.PathID, e.ExternalIDs, e.ErrorMessage = "/bj_api_sync/v1/g/AB1?x=1", "AB1", []string{"AB1"}, "no record"
	r := recordOf(e)
	if r.URL != "/bj_api_sync/v1/g/***?x=1" || r.PathID != "***" || r.ExternalIDs[0] != "***" || r.RequestBody != `{"passport":"***"}` {
		t.Errorf("%+v", r)
	}
}

// TestMaskCut hides a secret that stands across the end of what is stored.
func TestMaskCut(t *testing.T) {
	secret := "correct-horse-battery"
	_, c := maskWorld(secret)
	for back := range len(secret) + 1 {
		e := posted(c, strings.Repeat("x", maxBody-back)+secret+strings.Repeat("y", 200<<10))
		r := recordOf(e)
		if len(r.RequestBody) > maxBody || !r.RequestTruncated || strings.Contains(r.RequestBody, "c") {
			t.Fatalf("%d back: %d bytes, %v, ends in %s", back, len(r.RequestBody), r.RequestTruncated, r.RequestBody[len(r.RequestBody)-30:])
		}
	}
}

// encodings are how a secret may be written in what others send.
var encodings = []func(string) string{
	func(s string) string { return s },
	url.QueryEscape,
	url.PathEscape,
	func(s string) string { // every byte
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%%%02x", s[i])
		}
		return b.String()
	},
	func(s string) string { return inJSON(s) },
	func(s string) string { return inJSON(inJSON(s)) },
	func(s string) string { return strings.ReplaceAll(inJSON(s), "/", `\/`) },
	func(s string) string { // every character
		var b strings.Builder
		for _, r := range s {
			if r > 0xFFFF {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, `\u%04X`, r)
			}
		}
		return b.String()
	},
	func(s string) string { return url.QueryEscape(inJSON(s)) },
	func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	func(s string) string { return base64.URLEncoding.EncodeToString([]byte("user:" + s)) },
	func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte("ab" + s + "!")) },
	func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("a" + s))) },
}

func inJSON(s string) string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(data[1 : len(data)-1])
}

// places are where it may stand.
var places = []func(e *Exchanged, text string){
	func(e *Exchanged, text string) { e.Request = []byte(text) },
	func(e *Exchanged, text string) { e.Response = []byte(text) },
	func(e *Exchanged, text string) { e.URL = "/bj_api_sync/v1/" + text },
	func(e *Exchanged, text string) { e.URL = "/bj_api_sync/v1/g?a=1&b=" + text },
	func(e *Exchanged, text string) { e.ErrorMessage = text },
	func(e *Exchanged, text string) { e.ScriptTrace = text },
	func(e *Exchanged, text string) { e.ScriptOutput = text },
	func(e *Exchanged, text string) { e.RequestHeader = map[string][]string{"X-Some": {"a", text}} },
	func(e *Exchanged, text string) { e.ResponseHeader = map[string][]string{"Link": {"<" + text + ">"}} },
	func(e *Exchanged, text string) {
		e.PathID, e.ExternalIDs, e.RequestID, e.Endpoint = text, []string{text}, text, text
	},
	func(e *Exchanged, text string) { e.CorrelationID, e.Name, e.ScriptStatus = text, text, text },
	func(e *Exchanged, text string) { e.Details = json.RawMessage(`{"a":"` + text + `"}`) },
}

// begun is the beginning of an escape, which would change what stands after it: only the
// usual encodings are found there, see TestMaskAfterEscape.
var begun = regexp.MustCompile(`(%[0-9a-fA-F]?|\\(u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)?)$`)

// TestMaskAfterEscape finds encoded secrets after what changes how they are decoded.
func TestMaskAfterEscape(t *testing.T) {
	for _, secret := range []string{`000000"0`, `t"abc/defg`, `41/+ "Ї41\`, `nn\nn\nn"`} {
		_, c := maskWorld(secret)
		for _, before := range []string{"%", "%4", `\`, `\u00`, `\x`} {
			for i, encode := range []func(string) string{
				url.QueryEscape, url.PathEscape, inJSON, func(s string) string { return inJSON(inJSON(s)) },
				func(s string) string { return url.QueryEscape(inJSON(s)) },
				func(s string) string { return strings.ReplaceAll(inJSON(s), "/", `\/`) },
			} {
				e := posted(c, before+encode(secret)+"0")
				if r := recordOf(e); strings.Contains(r.RequestBody, encode(secret)) {
					t.Errorf("%q, form %d after %q: %q", secret, i, before, r.RequestBody)
				}
			}
		}
	}
}

// FuzzMask plants a stored secret, or the request's own credential, somewhere.
func FuzzMask(f *testing.F) {
	for i := range encodings {
		f.Add("s3cr/t+ \"k'Ї\\", `{"a":"`, `"}`, uint8(i), uint8(i), i%2 == 0)
		f.Add("plain-secret", "x", "%2", uint8(i), uint8(i+3), i%2 == 1)
		f.Add("1{}%25ab", "%4", "\\", uint8(i), uint8(i+7), false)
		f.Add("pass word&=?#", `["passport","=`, `"password":`, uint8(i), uint8(i+1), true)
	}
	f.Fuzz(func(t *testing.T, secret, before, after string, encoding, place uint8, own bool) {
		if len(secret) < minSecret || len(secret) > 4000 || !utf8.ValidString(secret) || strings.ContainsAny(secret, "*\x00\uFFFD") ||
			strings.TrimSpace(secret) != secret || strings.ContainsAny(secret, "\r\n") || len(before)+len(after) > 8000 {
			t.Skip()
		}
		planted := encodings[int(encoding)%len(encodings)](secret)
		stored := secret
		if own {
			stored = ""
		}
		_, c := maskWorld(stored)
		e := posted(c, "{}")
		places[int(place)%len(places)](e, begun.ReplaceAllString(before, "$0 ")+planted+after)
		if own {
			if e.RequestHeader == nil {
				e.RequestHeader = map[string][]string{}
			}
			e.RequestHeader["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("u:"+secret))}
		}
		r := recordOf(e)
		for name, text := range textsOf(&r) {
			if strings.Contains(text, planted) || strings.Contains(text, secret) {
				t.Errorf("%s has %q, planted as %q:\n%q", name, secret, planted, text)
			}
		}
	})
}

// textsOf are the texts of an entry that others have written.
func textsOf(r *LogRecord) map[string]string {
	return map[string]string{
		"request": r.RequestBody, "response": r.ResponseBody, "url": r.URL, "query": r.Query, "error": r.ErrorMessage, "trace": r.ScriptTrace,
		"output": r.ScriptOutput, "request headers": fmt.Sprintf("%s", r.RequestHeaders), "response headers": fmt.Sprintf("%s", r.ResponseHeaders),
		"path": r.PathID, "external": strings.Join(r.ExternalIDs, " "), "id": r.RequestID, "endpoint": r.Endpoint,
		"correlation": r.CorrelationID, "name": r.Name, "status": r.ScriptStatus, "details": string(r.Details),
	}
}
