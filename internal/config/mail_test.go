package config

import (
	"errors"
	"strings"
	"testing"
)

func TestMailServer(t *testing.T) {
	cases := []struct {
		name string
		env  []string
		want MailServer
		from string
		bad  string // part of the problem; "" for none
	}{
		{"none", nil, MailServer{}, "", ""},
		{"service", []string{"EMAIL_SERVICE=Gmail", "EMAIL_LOGIN=a@example.com", "HOST=h"}, MailServer{"smtp.gmail.com", 465, true}, "a@example.com", ""},
		{"service with a dot", []string{"EMAIL_SERVICE=Mail.ru", "EMAIL_LOGIN=a@mail.ru", "HOST=h"}, MailServer{"smtp.mail.ru", 465, true}, "a@mail.ru", ""},
		{"STARTTLS service", []string{"EMAIL_SERVICE=Outlook365", "EMAIL_LOGIN=a@x.org", "HOST=h"}, MailServer{"smtp.office365.com", 587, false}, "a@x.org", ""},
		{"own host before the service", []string{"EMAIL_SERVICE=Yandex", "EMAIL_HOST=mx.example.com", "EMAIL_FROM=a@x.org", "HOST=h"}, MailServer{"mx.example.com", 25, false}, "a@x.org", ""},
		{"host with a login", []string{"EMAIL_HOST=mx", "EMAIL_LOGIN=robot", "EMAIL_FROM=a@x.org", "HOST=h"}, MailServer{"mx", 587, false}, "a@x.org", ""},
		{"host and port", []string{"EMAIL_HOST=mx:2525", "EMAIL_FROM=a@x.org", "HOST=h"}, MailServer{"mx", 2525, false}, "a@x.org", ""},
		{"port of TLS", []string{"EMAIL_HOST=mx:465", "EMAIL_FROM=a@x.org", "HOST=h"}, MailServer{"mx", 465, true}, "a@x.org", ""},
		{"smtp", []string{"EMAIL_HOST=smtp://mx:26/", "EMAIL_FROM=a@x.org", "HOST=h"}, MailServer{"mx", 26, false}, "a@x.org", ""},
		{"smtps", []string{"EMAIL_HOST=smtps://mx", "EMAIL_FROM=a@x.org", "HOST=h"}, MailServer{"mx", 465, true}, "a@x.org", ""},
		{"IPv6", []string{"EMAIL_HOST=::1", "EMAIL_FROM=a@x.org", "HOST=h"}, MailServer{"::1", 25, false}, "a@x.org", ""},
		{"IPv6 and port", []string{"EMAIL_HOST=[::1]:26", "EMAIL_FROM=a@x.org", "HOST=h"}, MailServer{"::1", 26, false}, "a@x.org", ""},
		{"unknown service", []string{"EMAIL_SERVICE=Pigeon", "HOST=h"}, MailServer{}, "", "EMAIL_SERVICE"},
		{"other scheme", []string{"EMAIL_HOST=http://mx", "HOST=h"}, MailServer{}, "", "EMAIL_HOST"},
		{"password in the host", []string{"EMAIL_HOST=smtp://a:b@mx", "HOST=h"}, MailServer{}, "", "EMAIL_HOST"},
		{"path", []string{"EMAIL_HOST=mx/x", "HOST=h"}, MailServer{}, "", "EMAIL_HOST"},
		{"no port", []string{"EMAIL_HOST=mx:0", "HOST=h"}, MailServer{}, "", "EMAIL_HOST"},
		{"no sender", []string{"EMAIL_HOST=mx", "EMAIL_LOGIN=robot", "HOST=h"}, MailServer{}, "", "EMAIL_FROM"},
		{"no public name", []string{"EMAIL_HOST=mx", "EMAIL_FROM=a@x.org"}, MailServer{}, "", "HOST"},
		{"a login without a server", []string{"EMAIL_LOGIN=a@x.org"}, MailServer{}, "", "EMAIL_SERVICE or EMAIL_HOST"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := Load(Sources{Dir: t.TempDir(), Env: c.env})
			if c.bad != "" {
				var problems Problems
				if !errors.As(err, &problems) || !strings.Contains(err.Error(), c.bad) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || s.MailServer != c.want || s.EmailFrom != c.from {
				t.Errorf("%+v from %q, %v", s.MailServer, s.EmailFrom, err)
			}
		})
	}
}

func FuzzMailHost(f *testing.F) {
	for _, s := range []string{"mx", "mx:25", "smtps://mx", "[::1]:26", "::1", "smtp://", "a b", "mx:99999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		server, ok := parseMailHost(s)
		if ok && (server.Host == "" || server.Port < 0 || server.Port > 65535 || strings.ContainsAny(server.Host, "\r\n /@")) {
			t.Errorf("%q gives %+v", s, server)
		}
	})
}
