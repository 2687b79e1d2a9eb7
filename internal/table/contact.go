package table

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// contactKind is a kind of contacts; a set of them is a bit mask.
type contactKind uint8

const (
	emails contactKind = 1 << iota
	phones
	links
	anyContact = emails | phones | links
)

// maxContactChars is the longest contact that a field takes.
const maxContactChars = 1000

// contactTypes are the columns of contacts.
var contactTypes = map[Type]contactKind{EmailType: emails, PhoneType: phones, LinkType: links}

// splitContacts parts a cell with several contacts, and gives nil if one of
// them is not of the kind. Links have commas and semicolons of their own.
func splitContacts(s string, kind contactKind) []string {
	separators := ",;\r\n"
	if kind == links {
		separators = " \t\r\n"
	}
	var list []string
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if !kind.fits(part) {
			return nil
		}
		list = append(list, part)
	}
	return list
}

func (k contactKind) fits(s string) bool {
	switch k {
	case emails:
		return isEmail(s)
	case phones:
		return isPhone(s)
	}
	return isLink(s)
}

// isEmail asks for a name, one @ and a domain with a dot: what is sent to
// decides whether it exists.
func isEmail(s string) bool {
	name, domain, found := strings.Cut(s, "@")
	if !found || name == "" || len(s) > 254 || strings.ContainsAny(s, " \t\"<>()[]\\:;,") || strings.ContainsRune(domain, '@') {
		return false
	}
	dot := strings.LastIndexByte(domain, '.')
	return dot > 0 && dot < len(domain)-2 && domain[0] != '.' && !strings.Contains(domain, "..") && isPrintable(s)
}

// Digits of a phone number, by E.164 and by the shortest with an area code.
const (
	minPhone = 7
	maxPhone = 15
)

// isPhone asks for digits, parted as people do, after a plus or not.
func isPhone(s string) bool {
	if s == "" || len(s) > 40 {
		return false
	}
	digits, open := 0, 0
	for i, r := range s {
		switch {
		case '0' <= r && r <= '9':
			digits++
		case r == '+' && i == 0, strings.ContainsRune(" -./\u00a0\u2011", r):
		case r == '(':
			open++
		case r == ')':
			open--
		default:
			return false
		}
		if open < 0 || open > 1 {
			return false
		}
	}
	first := s[0]
	return digits >= minPhone && digits <= maxPhone && open == 0 && (first == '+' || first == '(' || '0' <= first && first <= '9')
}

// surelyPhone tells whether a phone number cannot be another kind of number:
// it has a plus, or an area code in brackets.
func surelyPhone(s string) bool {
	i := strings.IndexByte(s, ')')
	return s[0] == '+' || i > 0 && i < len(s)-minPhone/2
}

// namesPhones tells whether a column is named like one of phone numbers.
func namesPhones(name string) bool {
	name = strings.ToLower(name)
	switch strings.Trim(name, " .:") {
	case "tel", "тел":
		return true
	}
	for _, part := range []string{"phone", "mobile", "fax", "телефон", "мобил", "мобіл", "факс"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// isLink asks for an address of the web.
func isLink(s string) bool {
	lower := s[:min(len(s), len("https://"))]
	lower = strings.ToLower(lower)
	switch {
	case strings.HasPrefix(lower, "http://"), strings.HasPrefix(lower, "https://"):
	case strings.HasPrefix(lower, "www."):
		s = "http://" + s
	default:
		return false
	}
	if len(s) > 4*maxContactChars || utf8.RuneCountInString(s) > maxContactChars || strings.ContainsAny(s, " \t\r\n\"<>") || !isPrintable(s) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Hostname() != ""
}

func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
