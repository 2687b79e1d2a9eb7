package outbound

import (
	"net"
	"net/netip"
	"slices"
)

// settingNetworks names the setting of Policy.Networks.
const settingNetworks = "OUTBOUND_PRIVATE_NETWORKS"

// Policy is which addresses may be called. The zero value allows public ones only.
type Policy struct {
	// Networks are private networks that may be called: of RFC 1918, of RFC 6598
	// (100.64.0.0/10), of RFC 4193 (fc00::/7), loopback. Others in it open nothing.
	Networks []netip.Prefix
	// Private allows all of RFC 1918 and loopback besides.
	Private bool
	// PrivateSetting is what a refusal names as the way to set Private, "" when
	// nothing would. Else it names OUTBOUND_PRIVATE_NETWORKS.
	PrivateSetting string
	// Own gives the addresses of this server's listeners, which are never called,
	// also where private networks are; an unspecified IP stands for each of this
	// machine. It is asked at each connection; nil = none. An address elsewhere that
	// is led back here, by a router or a proxy in front, is not known.
	Own func() []netip.AddrPort
}

// kind is what an address is to the policy.
type kind uint8

const (
	public kind = iota
	// private is RFC 1918 and loopback: Private or Networks allow it.
	private
	// local is other addresses of private networks: only Networks allow it.
	local
	// never is what nothing allows.
	never
)

// kinds by network; the first that holds an address counts, and none means public
// for IPv4. Addresses that carry an IPv4 one are not here: see effective.
var kinds = []struct {
	network netip.Prefix
	kind    kind
}{
	// Where clouds keep their keys, though in other networks of this table.
	{netip.MustParsePrefix("168.63.129.16/32"), never},
	{netip.MustParsePrefix("100.100.100.200/32"), never},
	{netip.MustParsePrefix("fd00:ec2::/32"), never},
	{netip.MustParsePrefix("fd00:42::42/128"), never},
	{netip.MustParsePrefix("fd20:ce::254/128"), never},

	{netip.MustParsePrefix("10.0.0.0/8"), private},
	{netip.MustParsePrefix("127.0.0.0/8"), private},
	{netip.MustParsePrefix("172.16.0.0/12"), private},
	{netip.MustParsePrefix("192.168.0.0/16"), private},
	{netip.MustParsePrefix("::1/128"), private},
	{netip.MustParsePrefix("100.64.0.0/10"), local},
	{netip.MustParsePrefix("fc00::/7"), local},

	{netip.MustParsePrefix("0.0.0.0/8"), never},
	{netip.MustParsePrefix("169.254.0.0/16"), never},  // link-local, metadata
	{netip.MustParsePrefix("192.0.0.0/24"), never},    // protocol assignments
	{netip.MustParsePrefix("192.0.2.0/24"), never},    // documentation
	{netip.MustParsePrefix("192.88.99.0/24"), never},  // relays of 6to4
	{netip.MustParsePrefix("198.18.0.0/15"), never},   // benchmarks
	{netip.MustParsePrefix("198.51.100.0/24"), never}, // documentation
	{netip.MustParsePrefix("203.0.113.0/24"), never},  // documentation
	{netip.MustParsePrefix("224.0.0.0/4"), never},     // multicast
	{netip.MustParsePrefix("240.0.0.0/4"), never},     // reserved, broadcast

	{netip.MustParsePrefix("2001::/23"), never},     // protocol assignments: Teredo, benchmarks, ORCHID
	{netip.MustParsePrefix("2001:db8::/32"), never}, // documentation
	{netip.MustParsePrefix("3fff::/20"), never},     // documentation
	{netip.MustParsePrefix("2000::/3"), public},     // the global addresses
	// The rest of IPv6: ::/96, 64:ff9b:1::/48, 100::/64, 5f00::/16, fe80::/10,
	// fec0::/10, ff00::/8 and what is not given out.
	{netip.MustParsePrefix("::/0"), never},
}

func kindOf(a netip.Addr) kind {
	for _, k := range kinds {
		if k.network.Contains(a) {
			return k.kind
		}
	}
	return public
}

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
)

// effective gives the IPv4 address that an IPv6 one carries and leads to, else the
// address itself.
func effective(a netip.Addr) netip.Addr {
	b := a.As16()
	switch {
	case a.Is4In6():
		return a.Unmap()
	case nat64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixTo4.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}

// refusal is why an address is not called. It is an error for the way through the
// dialer only: the caller gets an *Error.
type refusal struct {
	own     bool
	setting string // that would allow the address; "" = none
}

func (r *refusal) Error() string {
	switch {
	case r.own:
		return "address of a listener of this server"
	case r.setting != "":
		return "address of a private network"
	}
	return "address that is never called"
}

// judge says why an address is not called, nil if it may be.
func (p Policy) judge(at netip.AddrPort) *refusal {
	if !at.IsValid() || at.Addr().Zone() != "" {
		return &refusal{}
	}
	a := effective(at.Addr())
	k := kindOf(a)
	switch {
	case k == never:
		return &refusal{}
	case p.own(netip.AddrPortFrom(a, at.Port())):
		return &refusal{own: true}
	case k == public, k == private && p.Private:
		return nil
	case slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return plain(n).Contains(a) }):
		return nil
	case k == private && p.PrivateSetting != "":
		return &refusal{setting: p.PrivateSetting}
	}
	return &refusal{setting: settingNetworks}
}

// plain gives a network of mapped addresses (::ffff:10.0.0.0/104) as one of IPv4.
func plain(n netip.Prefix) netip.Prefix {
	if a := n.Addr(); a.Is4In6() && n.Bits() >= 96 {
		return netip.PrefixFrom(a.Unmap(), n.Bits()-96)
	}
	return n
}

// own tells whether an address is one of this server's listeners.
func (p Policy) own(at netip.AddrPort) bool {
	if p.Own == nil {
		return false
	}
	for _, l := range p.Own() {
		if l.Port() != at.Port() {
			continue
		}
		a := effective(l.Addr().WithZone(""))
		if a == at.Addr() || a.IsUnspecified() && thisMachine(at.Addr()) {
			return true
		}
	}
	return false
}

// thisMachine tells whether an address is one of this machine. One that cannot be
// asked for its addresses has them all.
func thisMachine(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(addresses, func(n net.Addr) bool {
		p, err := netip.ParsePrefix(n.String())
		return err == nil && p.Addr().Unmap() == a
	})
}
