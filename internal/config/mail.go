package config

import (
	"errors"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// MailServer is where letters are handed in.
type MailServer struct {
	// Host is a name or an address; "" is no server.
	Host string
	// Port 0 is left open: see together.
	Port int
	// TLS says that the connection begins encrypted.
	TLS bool
}

// The ports of mail: between servers, for encrypted and for other submission.
const (
	portRelay      = 25
	portTLS        = 465
	portSubmission = 587
)

// mailServices are the well-known names of mail services, in small letters.
var mailServices = map[string]MailServer{
	"126":        {"smtp.126.com", portTLS, true},
	"163":        {"smtp.163.com", portTLS, true},
	"aol":        {"smtp.aol.com", portSubmission, false},
	"fastmail":   {"smtp.fastmail.com", portTLS, true},
	"gmail":      {"smtp.gmail.com", portTLS, true},
	"gmx":        {"mail.gmx.com", portSubmission, false},
	"hotmail":    {"smtp-mail.outlook.com", portSubmission, false},
	"icloud":     {"smtp.mail.me.com", portSubmission, false},
	"mail.ru":    {"smtp.mail.ru", portTLS, true},
	"mailgun":    {"smtp.mailgun.org", portTLS, true},
	"mailjet":    {"in-v3.mailjet.com", portSubmission, false},
	"outlook":    {"smtp-mail.outlook.com", portSubmission, false},
	"outlook365": {"smtp.office365.com", portSubmission, false},
	"postmark":   {"smtp.postmarkapp.com", portSubmission, false},
	"sendgrid":   {"smtp.sendgrid.net", portSubmission, false},
	"ukr.net":    {"smtp.ukr.net", portTLS, true},
	"yahoo":      {"smtp.mail.yahoo.com", portTLS, true},
	"yandex":     {"smtp.yandex.ru", portTLS, true},
	"zoho":       {"smtp.zoho.com", portTLS, true},
}

func mailService(dst *MailServer) value {
	kind := "one of " + strings.Join(slices.Sorted(maps.Keys(mailServices)), ", ")
	return value{kind: kind, set: func(s string) error {
		server, ok := mailServices[strings.ToLower(s)]
		if !ok {
			return errors.New("must be " + kind + "; other servers are named by EMAIL_HOST")
		}
		*dst = server
		return nil
	}}
}

func mailHost(dst *MailServer) value {
	return value{kind: "host, host:port, smtp://host:port or smtps://host:port", set: func(s string) error {
		server, ok := parseMailHost(s)
		if !ok {
			return errors.New("must be host, host:port, smtp://host:port or smtps://host:port")
		}
		*dst = server
		return nil
	}}
}

func parseMailHost(s string) (server MailServer, ok bool) {
	if !strings.Contains(s, "://") {
		if ip := net.ParseIP(s); ip != nil && ip.To4() == nil {
			s = "[" + s + "]"
		}
		s = "smtp://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return server, false
	}
	server = MailServer{Host: u.Hostname(), TLS: u.Scheme == "smtps"}
	if server.Host == "" || strings.ContainsAny(server.Host, " \t\r\n\x00") || u.Scheme != "smtp" && !server.TLS {
		return server, false
	}
	if text := u.Port(); text != "" {
		if server.Port, err = strconv.Atoi(text); err != nil || server.Port < 1 || server.Port > 65535 {
			return server, false
		}
	}
	if server.TLS && server.Port == 0 {
		server.Port = portTLS
	}
	server.TLS = server.TLS || server.Port == portTLS
	return server, true
}

// mail checks the settings of outgoing mail together and completes them.
func (l *loader) mail() {
	s := l.set
	if s.mailHost.Host != "" {
		s.MailServer = s.mailHost
	}
	if s.MailServer.Host == "" {
		if s.EmailLogin != "" || s.EmailFrom != "" {
			l.fail("EMAIL_LOGIN and EMAIL_FROM need EMAIL_SERVICE or EMAIL_HOST")
		}
		return
	}
	if s.MailServer.Port == 0 {
		s.MailServer.Port = portRelay
		if s.EmailLogin != "" {
			s.MailServer.Port = portSubmission
		}
	}
	if s.EmailFrom == "" {
		s.EmailFrom = s.EmailLogin
	}
	if !strings.Contains(s.EmailFrom, "@") {
		l.fail("outgoing mail needs a sender's address: EMAIL_FROM, or an EMAIL_LOGIN that is one")
	}
	if s.Host == "" {
		l.fail("outgoing mail needs HOST, the public name that links in letters lead to")
	}
}
