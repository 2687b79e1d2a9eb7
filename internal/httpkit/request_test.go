package httpkit

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"kartoteka/internal/fault"
)

func TestLanguage(t *testing.T) {
	for header, want := range map[string]string{
		"":                              "uk",
		"ru":                            "ru",
		"en-US,en;q=0.9":                "en",
		"RU-ru":                         "ru",
		"fr, de;q=0.9":                  "uk",
		"fr, en;q=0.2, ru;q=0.8":        "ru",
		"en;q=0":                        "uk",
		"*":                             "uk",
		"en;q=abc":                      "en",
		", ;;q=,":                       "uk",
		"ru;q=0.5,en;q=0.5":             "ru",
		strings.Repeat("x,", 50) + "en": "en",
	} {
		if got := language(header, "uk"); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func TestLanguageOfErrors(t *testing.T) {
	s := newSite(t, Options{DefaultLanguage: "ru"}, routes(Route{"GET /x", func(_ http.ResponseWriter, r *http.Request) error {
		return fault.New(fault.Rejected, "%s", Language(r.Context()))
	}}))
	for header, want := range map[string]string{"": "ru", "uk-UA": "uk", "fr": "ru", "en": "en"} {
		s.check(t, call{path: "/api/v1/x", headers: map[string]string{"Accept-Language": header}, status: 400, want: `"message":"` + want + `"`})
	}
}

func TestTranslatedErrors(t *testing.T) {
	s := newSite(t, Options{}, routes(Route{"GET /x", func(http.ResponseWriter, *http.Request) error {
		return fault.Invalid([]fault.Detail{
			fault.Field("2", fault.Type, "%s: %s", "A", fault.Msg("expected a date")),
			fault.At("fields[0].type", fault.Required, "a field needs a type"),
		})
	}}))
	type texts struct{ all, field, place, missing string }
	for header, want := range map[string]texts{
		"":                  {"2 fields are not valid", "A: expected a date", "a field needs a type", "there is no such resource"},
		"fr":                {"2 fields are not valid", "A: expected a date", "a field needs a type", "there is no such resource"},
		"uk-UA,uk;q=0.9":    {"Полів із помилками: 2", "A: очікується дата", "для поля потрібен тип", "такого ресурсу немає"},
		"ru-RU, en;q=0.5":   {"Полей с ошибками: 2", "A: ожидается дата", "для поля нужен тип", "такого ресурса нет"},
		"en;q=0.1,ru;q=0.2": {"Полей с ошибками: 2", "A: ожидается дата", "для поля нужен тип", "такого ресурса нет"},
	} {
		accept := map[string]string{"Accept-Language": header}
		s.check(t, call{name: header, path: "/api/v1/x", headers: accept, status: 400,
			want: `"message":"` + want.all + `","errors":[{"fieldId":"2","code":"type","message":"` + want.field +
				`"},{"path":"fields[0].type","code":"required","message":"` + want.place + `"}]`})
		s.check(t, call{name: header, path: "/api/v1/missing", headers: accept, status: 404, want: `"message":"` + want.missing + `"`})
	}
}

func TestClientAddress(t *testing.T) {
	k := New(Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	tests := []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "192.0.2.1:5", nil, "192.0.2.1"},
		{"loopback speaks for its client", "127.0.0.1:5", []string{"192.0.2.9"}, "192.0.2.9"},
		{"loopback of IPv6", "[::1]:5", []string{"192.0.2.9"}, "192.0.2.9"},
		{"mapped IPv4", "[::ffff:10.1.1.1]:5", []string{"192.0.2.9"}, "192.0.2.9"},
		{"two proxies", "10.0.0.1:5", []string{"192.0.2.9, 10.2.2.2"}, "192.0.2.9"},
		{"two headers", "10.0.0.1:5", []string{"192.0.2.9", "10.2.2.2"}, "192.0.2.9"},
		{"invented before the real one", "10.0.0.1:5", []string{"1.1.1.1, 192.0.2.9"}, "192.0.2.9"},
		{"only proxies", "10.0.0.1:5", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		{"with a port", "10.0.0.1:5", []string{"192.0.2.9:8080"}, "192.0.2.9"},
		{"IPv6", "10.0.0.1:5", []string{"2001:db8::5"}, "2001:db8::5"},
		{"IPv6 with a port", "10.0.0.1:5", []string{"[2001:db8::5]:80"}, "2001:db8::5"},
		{"IPv6 in brackets", "10.0.0.1:5", []string{"[2001:db8::5]"}, "2001:db8::5"},
		{"nonsense", "10.0.0.1:5", []string{"unknown"}, "10.0.0.1"},
		{"empty", "10.0.0.1:5", []string{""}, "10.0.0.1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: test.peer, Header: http.Header{"X-Forwarded-For": test.forwarded}}
			if got := k.newRequest(r).ip; got.String() != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestUntrustedProxyIsIgnoredAndLoggedOnce(t *testing.T) {
	s := newSite(t, Options{}, routes())
	k := New(Options{Log: slogTo(s.log)})
	for range 3 {
		r := &http.Request{RemoteAddr: "192.0.2.1:5", Host: "real", Header: http.Header{
			"X-Forwarded-For": {"192.0.2.9"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"invented"}}}
		if q := k.newRequest(r); q.ip.String() != "192.0.2.1" || q.secure || q.host != "real" {
			t.Errorf("believed: %+v", q)
		}
	}
	if n := strings.Count(s.log.String(), "proxy.untrusted"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}
