package hook

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// RFC 2202, test 2 of HMAC-MD5.
func TestDocumentedSignature(t *testing.T) {
	if got := documented("Jefe", []byte("what do ya want for nothing?")); got != "dQx4PmqwtQPqqG4xCl23OA==" {
		t.Errorf("signature %s", got)
	}
}

// The example of the Standard Webhooks specification.
func TestStandardSignature(t *testing.T) {
	const secret, want = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	got := standard([]string{secret, "plain"}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	first, second, _ := strings.Cut(got, " ")
	if first != want || !strings.HasPrefix(second, "v1,") || second == first {
		t.Errorf("signatures %s", got)
	}
}

func TestSaid(t *testing.T) {
	long := strings.Repeat("я", messageMost+1)
	for _, c := range []struct{ name, kind, body, want string }{
		{"a text", "application/json", `{"message":"No"}`, `"No"`},
		{"with a charset", "application/json; charset=windows-1251", `{"message":"No"}`, `"No"`},
		{"an object", "application/json", `{"message":{"text":"never","title":"No","x":1}}`, `{"title":"No","text":"never"}`},
		{"a part", "application/json", `{"message":{"text":"never","title":5}}`, `{"text":"never"}`},
		{"an empty text", "application/json", `{"message":""}`, ""},
		{"an empty object", "application/json", `{"message":{}}`, ""},
		{"a number", "application/json", `{"message":5}`, ""},
		{"no message", "application/json", `[]`, ""},
		{"no JSON", "application/json", `{"message"`, ""},
		{"deep", "application/json", `{"message":"No","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, ""},
		{"another type", "text/plain", `{"message":"No"}`, ""},
		{"no type", "", `{"message":"No"}`, ""},
		{"no UTF-8", "application/json", "{\"message\":\"\xff\"}", ""},
		{"too long", "application/json", `{"message":"` + long + `"}`, `"` + long[:2*messageMost] + `"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(said(http.Header{"Content-Type": {c.kind}}, []byte(c.body))); got != c.want {
				t.Errorf("%.200s, want %.200s", got, c.want)
			}
		})
	}
}

func TestShown(t *testing.T) {
	for body, want := range map[string]string{"": "", "thanks": "thanks", "a\x00b\xffc": "ab\uFFFDc"} {
		if got := shown([]byte(body)); got != want {
			t.Errorf("%q is shown as %q", body, got)
		}
	}
	long := shown([]byte("x" + strings.Repeat("я", maxAnswer)))
	if len(long) > maxAnswer || len(long) < maxAnswer-4 || !utf8.ValidString(long) || strings.Contains(long, "\uFFFD") {
		t.Errorf("a long answer is shown in %d bytes: ...%q", len(long), long[len(long)-8:])
	}
}

func TestRetries(t *testing.T) {
	whole := time.Duration(0)
	for _, wait := range retries {
		whole += wait
		for range 100 {
			if got := jitter(wait); got < wait-wait/10 || got > wait+wait/10+1 {
				t.Errorf("%v becomes %v", wait, got)
			}
		}
	}
	if len(retries) != 9 || whole < 72*time.Hour || whole > 96*time.Hour {
		t.Errorf("%d attempts in %v", len(retries)+1, whole)
	}
}
