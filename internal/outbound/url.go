package outbound

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"kartoteka/internal/fault"
)

// MaxURL is the length in bytes of the longest address that is called, both as it is
// written and with its escapes.
const MaxURL = 8 << 10

// foreignPorts belong to protocols of lines (mail, caches), which take an HTTP
// request for theirs. They are never called.
var foreignPorts = []uint16{25, 110, 143, 6379, 11211}

// target is a checked address.
type target struct {
	url   *url.URL // with the host as it is looked up: small letters, IDNA
	shown string   // the host as it was written, for messages
	host  string   // without port and brackets
	port  uint16
}

// CheckURL checks an address before it is called, as when it is saved, and gives
// it in the form in which it is called. It looks no name up: a name that passes
// may lead to an address that is refused when it is called. It fails with *Error
// of the reason InvalidURL or RefusedAddress.
//
// An address begins with http:// or https://. A login or a password in it is
// refused, not dropped: addresses end up in logs. Hosts are names, IPv4 addresses
// of four decimal numbers and IPv6 ones in brackets without a zone; other ways to
// write an IPv4 address are refused. International names become ASCII (IDNA).
func (p Policy) CheckURL(raw string) (*url.URL, error) {
	t, err := p.target(raw)
	if err != nil {
		return nil, err
	}
	return t.url, nil
}

func (p Policy) target(raw string) (t target, err error) {
	if len(raw) > MaxURL {
		return t, tooLong()
	}
	u, err := url.Parse(raw)
	if err != nil {
		e := invalid(fault.Msg("it is not a web address"))
		e.cause = err
		return t, e
	}
	return p.parsed(u)
}

// parsed checks what was an address to url.Parse. It changes u.
func (p Policy) parsed(u *url.URL) (t target, err error) {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return t, invalid(fault.Msg("the address must begin with http:// or https://"))
	case u.User != nil:
		return t, invalid(fault.Msg("the address must not hold a login or a password"))
	case u.Opaque != "" || u.Hostname() == "":
		return t, invalid(fault.Msg("the address names no host"))
	}
	t = target{url: u, shown: short(u.Host)}
	if t.port, err = portOf(u); err != nil {
		return t, err
	}
	if t.host, err = hostOf(u, t.shown); err != nil {
		return t, err
	}
	u.Host = t.host
	if strings.Contains(t.host, ":") {
		u.Host = "[" + t.host + "]"
	}
	if t.port != standardPort(u.Scheme) {
		u.Host += ":" + strconv.Itoa(int(t.port))
	}
	if r := p.refuses(t); r != nil {
		return t, r.explain(t.shown)
	}
	if len(u.String()) > MaxURL { // escapes make an address up to three times as long
		return t, tooLong()
	}
	return t, nil
}

func tooLong() error {
	return invalid(fault.Msg("the address is longer than %d characters", MaxURL))
}

func short(s string) string {
	if r := []rune(s); len(r) > 260 {
		return string(r[:260])
	}
	return s
}

func standardPort(scheme string) uint16 {
	if scheme == "https" {
		return 443
	}
	return 80
}

func portOf(u *url.URL) (uint16, error) {
	text := u.Port()
	if text == "" {
		return standardPort(u.Scheme), nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, invalid(fault.Msg("the port of an address is a number from 1 to 65535"))
	}
	if slices.Contains(foreignPorts, uint16(n)) {
		return 0, &Error{Reason: RefusedAddress, Message: fault.Msg("port %d is never called: it belongs to another protocol than HTTP", n)}
	}
	return uint16(n), nil
}

// hostOf gives the host as it is looked up.
func hostOf(u *url.URL, shown string) (string, error) {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") || strings.Contains(host, ":") {
		a, err := netip.ParseAddr(host)
		switch {
		case err != nil || !a.Is6() || !strings.HasPrefix(u.Host, "["):
			return "", invalid(fault.Msg("%s is not a host name", shown))
		case a.Zone() != "":
			return "", invalid(fault.Msg("%s has a zone, which means something on one machine only", shown))
		}
		return a.String(), nil
	}
	if !ascii(host) {
		mapped, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return "", invalid(fault.Msg("%s is not a host name", shown))
		}
		host = mapped
	}
	host = strings.ToLower(host)
	name := strings.TrimSuffix(host, ".")
	if a, err := netip.ParseAddr(host); err == nil && a.Is4() {
		return host, nil
	}
	if number(name[strings.LastIndex(name, ".")+1:]) {
		return "", invalid(fault.Msg("%s must be written as an IP address of four decimal numbers", shown))
	}
	if !isName(name) {
		return "", invalid(fault.Msg("%s is not a host name", shown))
	}
	return host, nil
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// number tells whether a name that ends in this label is taken for an IPv4
// address by some resolvers and browsers (URL Standard, "ends in a number").
func number(label string) bool {
	digits := func(set string) bool { return strings.Trim(label, set) == "" }
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		label = hex
		return digits("0123456789abcdef")
	}
	return label != "" && digits("0123456789")
}

// isName tells whether small letters make a name that can be looked up. Underscores
// are in names that container engines give.
func isName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// refuses judges what is known of a target without a look-up: addresses, and the
// names that stand for loopback everywhere (RFC 6761).
func (p Policy) refuses(t target) *refusal {
	if a, err := netip.ParseAddr(t.host); err == nil {
		return p.judge(netip.AddrPortFrom(a, t.port))
	}
	name := strings.TrimSuffix(t.host, ".")
	if name != "localhost" && !strings.HasSuffix(name, ".localhost") {
		return nil
	}
	first := p.judge(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), t.port))
	if first == nil || p.judge(netip.AddrPortFrom(netip.IPv6Loopback(), t.port)) == nil {
		return nil
	}
	return first
}
