package outbound

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestCheckURL(t *testing.T) {
	cases := []struct{ name, raw, want string }{
		{"plain", "http://example.com", "http://example.com"},
		{"all of it", "HTTPS://Example.COM:8443/A/b?c=d&e=%20f", "https://example.com:8443/A/b?c=d&e=%20f"},
		{"the standard port", "https://example.com:443/", "https://example.com/"},
		{"port with zeros", "http://example.com:0080/", "http://example.com/"},
		{"empty port", "http://example.com:/x", "http://example.com/x"},
		{"IPv4", "http://93.184.216.34:81/x", "http://93.184.216.34:81/x"},
		{"IPv6", "http://[2606:4700:4700:0::1111]:81/x", "http://[2606:4700:4700::1111]:81/x"},
		{"IPv6 without a port", "https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"},
		{"trailing dot", "http://example.com./", "http://example.com./"},
		{"underscore", "http://crm_worker:3000/hook", "http://crm_worker:3000/hook"},
		{"international", "http://bücher.example/ü", "http://xn--bcher-kva.example/%C3%BC"},
		{"international with another dot", "http://приклад。укр/", "http://xn--80aikifvh.xn--j1amh/"},
		{"full-width letters", "http://ｅｘａｍｐｌｅ.com/", "http://example.com/"},
		{"full-width digits", "http://９３.184.216.34/", "http://93.184.216.34/"},
		{"mapped public address", "http://[::ffff:93.184.216.34]/", "http://[::ffff:93.184.216.34]/"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			u, err := Policy{}.CheckURL(c.raw)
			if err != nil || u.String() != c.want {
				t.Errorf("%v, %v", u, err)
			}
		})
	}
}

func TestCheckURLRefuses(t *testing.T) {
	const networks, deny = "the setting OUTBOUND_PRIVATE_NETWORKS would", "the setting HOOKS_DENY_PRIVATE=false would"
	cases := []struct {
		name, raw string
		reason    Reason
		message   string // a part
	}{
		{"empty", "", InvalidURL, "must begin with http"},
		{"no scheme", "example.com/hook", InvalidURL, "must begin with http"},
		{"other scheme", "ftp://example.com", InvalidURL, "must begin with http"},
		{"file", "file:///etc/passwd", InvalidURL, "must begin with http"},
		{"gopher", "gopher://127.0.0.1:70/", InvalidURL, "must begin with http"},
		{"unix", "http+unix://x/", InvalidURL, "must begin with http"},
		{"opaque", "http:example.com", InvalidURL, "no host"},
		{"no host", "http:///x", InvalidURL, "no host"},
		{"port only", "http://:80/", InvalidURL, "no host"},
		{"password", "http://me:secret@example.com/", InvalidURL, "login or a password"},
		{"login", "http://me@example.com/", InvalidURL, "login or a password"},
		{"empty login", "http://@example.com/", InvalidURL, "login or a password"},
		{"control character", "http://example.com/\r\nX: y", InvalidURL, "not a web address"},
		{"space in the host", "http://exa mple.com/", InvalidURL, "not a web address"},
		{"space before", " http://example.com/", InvalidURL, "not a web address"},
		{"bad escape", "http://example.com/%zz", InvalidURL, "not a web address"},
		{"endless", "http://example.com/" + strings.Repeat("x", MaxURL), InvalidURL, "longer than"},
		{"port 0", "http://example.com:0/", InvalidURL, "1 to 65535"},
		{"port 65536", "http://example.com:65536/", InvalidURL, "1 to 65535"},
		{"huge port", "http://example.com:99999999999999999999/", InvalidURL, "1 to 65535"},
		{"word for a port", "http://example.com:http/", InvalidURL, "not a web address"},
		{"mail", "http://example.com:25/", RefusedAddress, "port 25"},
		{"Redis", "http://example.com:6379/", RefusedAddress, "port 6379"},
		{"decimal", "http://2130706433/", InvalidURL, "four decimal numbers"},
		{"hex", "http://0x7f000001/", InvalidURL, "four decimal numbers"},
		{"hex parts", "http://0x7f.0.0.0x1/", InvalidURL, "four decimal numbers"},
		{"octal", "http://0177.0.0.1/", InvalidURL, "four decimal numbers"},
		{"two numbers", "http://127.1/", InvalidURL, "four decimal numbers"},
		{"five numbers", "http://1.2.3.4.5/", InvalidURL, "four decimal numbers"},
		{"number over 255", "http://256.1.1.1/", InvalidURL, "four decimal numbers"},
		{"IPv4 with a dot", "http://127.0.0.1./", InvalidURL, "four decimal numbers"},
		{"capital hex", "http://0X7F.1/", InvalidURL, "four decimal numbers"},
		{"bare 0x", "http://127.0.0.0x/", InvalidURL, "four decimal numbers"},
		{"escaped", "http://127%2e0%2e0%2e1/", InvalidURL, "not a web address"},
		{"two dots", "http://example..com/", InvalidURL, "not a host name"},
		{"dot first", "http://.example.com/", InvalidURL, "not a host name"},
		{"dots only", "http://../", InvalidURL, "not a host name"},
		{"two dots last", "http://example.com../", InvalidURL, "not a host name"},
		{"long label", "http://" + strings.Repeat("x", 64) + ".com/", InvalidURL, "not a host name"},
		{"long name", "http://" + strings.Repeat("x.", 127) + "com/", InvalidURL, "not a host name"},
		{"foreign sign", "http://a*b.example/", InvalidURL, "not a host name"},
		{"emptied by mapping", "http://\u00ad/", InvalidURL, "not a host name"},
		{"IPv6 without brackets", "http://::1/", InvalidURL, ""},
		{"IPv4 in brackets", "http://[127.0.0.1]/", InvalidURL, "not a web address"},
		{"zone", "http://[fe80::1%25eth0]/", InvalidURL, "zone"},
		{"zone of loopback", "http://[::1%25lo]/", InvalidURL, "zone"},

		{"loopback", "http://127.0.0.1:8080/", RefusedAddress, deny},
		{"full-width loopback", "http://１２７.０.０.１/", RefusedAddress, deny},
		{"circled loopback", "http://①②⑦.⓪.⓪.①/", RefusedAddress, deny},
		{"localhost", "http://localhost/", RefusedAddress, deny},
		{"capital localhost", "http://LOCALHOST./", RefusedAddress, deny},
		{"below localhost", "http://a.localhost/", RefusedAddress, deny},
		{"RFC 1918", "http://10.0.0.7/", RefusedAddress, deny},
		{"mapped", "http://[::ffff:10.0.0.7]/", RefusedAddress, deny},
		{"unique local", "http://[fd12::7]/", RefusedAddress, networks},
		{"carrier", "http://100.64.0.7/", RefusedAddress, networks},
		{"metadata", "http://169.254.169.254/latest/", RefusedAddress, "never called"},
		{"mapped metadata", "http://[::ffff:a9fe:a9fe]/", RefusedAddress, "never called"},
		{"unspecified", "http://0.0.0.0/", RefusedAddress, "never called"},
		{"unspecified IPv6", "http://[::]/", RefusedAddress, "never called"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			u, err := strict.CheckURL(c.raw)
			var e *Error
			if !errors.As(err, &e) || e.Reason != c.reason || !strings.Contains(e.Message.In("en"), c.message) || e.Sent || e.Retryable() {
				t.Fatalf("%v, %v", u, err)
			}
			if e.Setting != "" && !strings.Contains(e.Message.In("en"), e.Setting) {
				t.Errorf("%q does not name %s", e.Message.In("en"), e.Setting)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%v repeats a password", err)
			}
		})
	}
}

func TestCheckURLOfLoopback(t *testing.T) {
	own := Policy{Private: true, Own: func() []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort("[::]:8080")} }}
	for raw, want := range map[string]bool{
		"http://localhost:8080/": false, "http://127.0.0.1:8080/": false, "http://localhost/": true, "http://127.0.0.1:8081/": true,
	} {
		if _, err := own.CheckURL(raw); (err == nil) != want {
			t.Errorf("%s: %v", raw, err)
		}
	}
	one := Policy{Networks: networks("::1/128")}
	if _, err := one.CheckURL("http://localhost/"); err != nil {
		t.Errorf("localhost with ::1 allowed: %v", err)
	}
}

// FuzzCheckURL: what is accepted is an address of the web whose parts are what they
// seem, stays the same when it is checked again, and, being an IP, is not refused
// when it is connected to.
func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{
		"http://example.com", "https://bücher.example:8443/a?b#c", "http://127.0.0.1/", "http://[::1]:80/", "http://0x7f.1/", "http://2130706433/",
		"http://[::ffff:7f00:1]/", "http://[64:ff9b::a00:1]/", "http://１２７.０.０.１/", "http://a@b/", "http://localhost.:80", "http://93.184.216.34:81/x",
		"http://[2002:5db8:d822::1]/", "http://93.184.216.34%2e/", "http:////x", "http://x:y:80/", "http://[fe80::1%25a]/",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Add("http://example.com/#"+strings.Repeat("\xcb", MaxURL/2), false)
	f.Fuzz(func(t *testing.T, raw string, private bool) {
		p := Policy{Private: private}
		u, err := p.CheckURL(raw)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Message.In("uk") == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" || !ascii(u.Host) {
			t.Fatalf("%q is accepted as %q", raw, u)
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Host != u.Host || again.Scheme != u.Scheme {
			t.Fatalf("%q becomes %q, which is %v, %v", raw, u, again, err)
		}
		if second, err := p.CheckURL(u.String()); err != nil || second.String() != u.String() {
			t.Fatalf("%q becomes %q and then %v, %v", raw, u, second, err)
		}
		a, err := netip.ParseAddr(u.Hostname())
		if err != nil {
			if strings.Trim(u.Hostname(), "0123456789abcdefx.") == "" && number(u.Hostname()) {
				t.Fatalf("%q is accepted as the number %q", raw, u)
			}
			return
		}
		network := "tcp6"
		if a.Is4() {
			network = "tcp4"
		}
		if err := p.control(context.Background(), network, netip.AddrPortFrom(a, 81).String(), nil); err != nil {
			t.Fatalf("%q is accepted, and %s refused: %v", raw, a, err)
		}
	})
}
