package mail

import (
	"errors"
	"fmt"
	"html"
	netmail "net/mail"
	"regexp"
	"strings"
	"unicode"

	"kartoteka/internal/query/text"
)

// Code names the occasion of a letter; templates are chosen by it.
type Code string

// The codes.
const (
	InviteRegistered Code = "invite-from-company-for-registered"
	InviteNew        Code = "invite-from-company-for-new"
	InviteToRegister Code = "invite-to-register"
	RegisterComplete Code = "register-complete"
	ResetPassword    Code = "reset-password"
)

// Codes are all of them.
var Codes = []Code{InviteRegistered, InviteNew, InviteToRegister, RegisterComplete, ResetPassword}

// Template is what a letter is made of. Subject and HTML have placeholders.
type Template struct {
	Name    string // for people who look for it
	Subject string
	From    string // the sender's name as it is shown; "" for none
	HTML    string
}

// Letter is ready to be sent.
type Letter struct {
	To       string // an address, see IsAddress
	FromName string
	Subject  string // one line
	HTML     string
	Text     string // the same for readers without HTML
}

// maxLine bounds a subject and a name, in characters.
const maxLine = 250

// Fill makes the letter to an address. It fails when the template is not
// understood, empty or too large.
func (t Template) Fill(to string, values Values) (Letter, error) {
	if strings.TrimSpace(t.HTML) == "" {
		return Letter{}, errors.New("the template is empty")
	}
	subject, err := fill(t.Subject, values, func(s string) string { return s })
	if err != nil {
		return Letter{}, fmt.Errorf("the subject: %w", err)
	}
	body, err := fill(t.HTML, values, html.EscapeString)
	if err != nil {
		return Letter{}, err
	}
	return Letter{To: to, FromName: oneLine(t.From), Subject: oneLine(subject), HTML: body, Text: plain(body)}, nil
}

// oneLine makes a text fit for a header: no line breaks or other control
// characters, bounded.
func oneLine(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == '\u2028' || c == '\u2029' || c == unicode.ReplacementChar {
			return ' '
		}
		return c
	}, s)
	return text.Cut(strings.Join(strings.Fields(s), " "), maxLine)
}

var (
	lineEnds = regexp.MustCompile(`(?i)<br\s*/?>|</(?:p|div|h[1-6]|li|tr|table|blockquote)\s*>`)
	anchors  = regexp.MustCompile(`(?is)<a\s[^>]*?href\s*=\s*"([^"]*)"[^>]*>(.*?)</a\s*>`)
)

// plain is what a letter in HTML says, with the addresses of its links.
func plain(body string) string {
	body = anchors.ReplaceAllStringFunc(body, func(a string) string {
		m := anchors.FindStringSubmatch(a)
		if strings.Contains(m[2], m[1]) {
			return m[2]
		}
		return m[2] + " (" + m[1] + ")"
	})
	var lines []string
	for _, part := range lineEnds.Split(body, -1) {
		if line := text.PlainText(part); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n\n") + "\n"
}

// maxAddress is the longest address, in bytes (RFC 5321, 4.5.3.1.3).
const maxAddress = 254

// IsAddress tells whether a letter can be sent to a login: it is an e-mail
// address, without a name.
func IsAddress(s string) bool {
	if len(s) > maxAddress || strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }) {
		return false
	}
	a, err := netmail.ParseAddress(s)
	return err == nil && a.Address == s
}
