package outbound

import (
	"net"
	"net/netip"
	"testing"
)

const settingHooks = "HOOKS_DENY_PRIVATE=false"

func networks(texts ...string) (all []netip.Prefix) {
	for _, s := range texts {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// The policies that an address is judged by: nothing is allowed, webhooks may call
// private networks, every network is named.
var (
	strict = Policy{PrivateSetting: settingHooks}
	hooks  = Policy{Private: true, PrivateSetting: settingHooks}
	open   = Policy{Networks: networks("0.0.0.0/0", "::/0")}
)

func TestJudge(t *testing.T) {
	const (
		yes = "allowed"
		no  = "never"
		set = settingNetworks
		dny = settingHooks
	)
	cases := []struct {
		address             string
		strict, hooks, open string
	}{
		{"93.184.216.34", yes, yes, yes},
		{"1.1.1.1", yes, yes, yes},
		{"2606:4700:4700::1111", yes, yes, yes},
		{"172.15.255.255", yes, yes, yes},
		{"172.32.0.0", yes, yes, yes},
		{"100.63.255.255", yes, yes, yes},
		{"100.128.0.0", yes, yes, yes},
		{"223.255.255.255", yes, yes, yes},

		{"10.0.0.1", dny, yes, yes},
		{"172.16.0.1", dny, yes, yes},
		{"172.31.255.255", dny, yes, yes},
		{"192.168.1.1", dny, yes, yes},
		{"127.0.0.1", dny, yes, yes},
		{"127.255.255.254", dny, yes, yes},
		{"::1", dny, yes, yes},
		{"100.64.0.1", set, set, yes},
		{"100.127.255.255", set, set, yes},
		{"fc00::1", set, set, yes},
		{"fdff::1", set, set, yes},

		{"0.0.0.0", no, no, no},
		{"0.1.2.3", no, no, no},
		{"169.254.169.254", no, no, no},
		{"169.254.1.1", no, no, no},
		{"168.63.129.16", no, no, no},
		{"100.100.100.200", no, no, no},
		{"192.0.0.192", no, no, no},
		{"192.0.2.1", no, no, no},
		{"192.88.99.1", no, no, no},
		{"198.18.0.1", no, no, no},
		{"198.19.255.255", no, no, no},
		{"198.51.100.1", no, no, no},
		{"203.0.113.1", no, no, no},
		{"224.0.0.1", no, no, no},
		{"239.255.255.255", no, no, no},
		{"240.0.0.1", no, no, no},
		{"255.255.255.255", no, no, no},
		{"::", no, no, no},
		{"::2", no, no, no},
		{"::7f00:1", no, no, no},
		{"::93.184.216.34", no, no, no},
		{"64:ff9b:1::1", no, no, no},
		{"100::1", no, no, no},
		{"2001::1", no, no, no},
		{"2001:0:7f00:1::", no, no, no},
		{"2001:2::1", no, no, no},
		{"2001:10::1", no, no, no},
		{"2001:20::1", no, no, no},
		{"2001:db8::1", no, no, no},
		{"3fff::1", no, no, no},
		{"4000::1", no, no, no},
		{"5f00::1", no, no, no},
		{"fe80::1", no, no, no},
		{"fe80::1%eth0", no, no, no},
		{"fd12::1%eth0", no, no, no},
		{"fec0::1", no, no, no},
		{"ff02::1", no, no, no},
		{"fd00:ec2::254", no, no, no},
		{"fd20:ce::254", no, no, no},
		{"fd00:42::42", no, no, no},

		// An IPv4 address within one of IPv6 is judged as what it leads to.
		{"::ffff:93.184.216.34", yes, yes, yes},
		{"::ffff:10.0.0.1", dny, yes, yes},
		{"::ffff:127.0.0.1", dny, yes, yes},
		{"::ffff:169.254.169.254", no, no, no},
		{"64:ff9b::5db8:d822", yes, yes, yes},
		{"64:ff9b::a00:1", dny, yes, yes},
		{"64:ff9b::6440:1", set, set, yes},
		{"64:ff9b::a9fe:a9fe", no, no, no},
		{"64:ff9b::", no, no, no},
		{"2002:5db8:d822::1", yes, yes, yes},
		{"2002:a00:1::1", dny, yes, yes},
		{"2002:7f00:1::", dny, yes, yes},
		{"2002:a9fe:a9fe::1", no, no, no},
	}
	for _, c := range cases {
		for name, test := range map[string]struct {
			policy Policy
			want   string
		}{"strict": {strict, c.strict}, "hooks": {hooks, c.hooks}, "open": {open, c.open}} {
			got := yes
			if r := test.policy.judge(netip.AddrPortFrom(netip.MustParseAddr(c.address), 80)); r != nil && r.setting != "" {
				got = r.setting
			} else if r != nil {
				got = no
			}
			if got != test.want {
				t.Errorf("%s under %s is %s, want %s", c.address, name, got, test.want)
			}
		}
	}
}

func TestJudgeNetworks(t *testing.T) {
	p := Policy{Networks: networks("10.1.0.0/16", "::ffff:192.168.7.0/120", "fd12:3456::/32", "169.254.0.0/16")}
	for address, want := range map[string]bool{
		"10.1.2.3": true, "10.2.0.1": false, "::ffff:10.1.2.3": true, "64:ff9b::a01:203": true, "192.168.7.9": true,
		"192.168.8.9": false, "fd12:3456::7": true, "fd12:3457::7": false, "169.254.1.1": false, "127.0.0.1": false,
	} {
		if got := p.judge(netip.AddrPortFrom(netip.MustParseAddr(address), 443)) == nil; got != want {
			t.Errorf("%s allowed: %v", address, got)
		}
	}
	if p.judge(netip.AddrPort{}) == nil {
		t.Error("no address is allowed")
	}
}

func TestOwnListeners(t *testing.T) {
	own := func(texts ...string) func() []netip.AddrPort {
		var all []netip.AddrPort
		for _, s := range texts {
			all = append(all, netip.MustParseAddrPort(s))
		}
		return func() []netip.AddrPort { return all }
	}
	cases := []struct {
		name, at string
		own      func() []netip.AddrPort
		refused  bool
	}{
		{"none", "127.0.0.1:8080", nil, false},
		{"the address", "127.0.0.1:8080", own("127.0.0.1:8080"), true},
		{"another port", "127.0.0.1:8081", own("127.0.0.1:8080"), false},
		{"another loopback address", "127.0.0.2:8080", own("127.0.0.1:8080"), false},
		{"mapped", "[::ffff:127.0.0.1]:8080", own("127.0.0.1:8080"), true},
		{"through NAT64", "[64:ff9b::7f00:1]:8080", own("127.0.0.1:8080"), true},
		{"a mapped listener", "127.0.0.1:8080", own("[::ffff:127.0.0.1]:8080"), true},
		{"every interface", "127.0.0.9:80", own("[::]:443", "[::]:80"), true},
		{"every interface of IPv4", "127.0.0.9:80", own("0.0.0.0:80"), true},
		{"another machine", "10.255.254.253:80", own("[::]:80"), false},
		{"a public one", "93.184.216.34:80", own("93.184.216.34:80"), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := Policy{Networks: open.Networks, Private: true, Own: c.own}
			r := p.judge(netip.MustParseAddrPort(c.at))
			if (r != nil) != c.refused || r != nil && (!r.own || r.setting != "") {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A listener on every interface is refused at each address of this machine.
func TestOwnListenerOnEveryInterface(t *testing.T) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	p := Policy{Networks: open.Networks, Own: func() []netip.AddrPort {
		return []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Unspecified(), 8080)}
	}}
	for _, a := range addresses {
		ip := netip.MustParsePrefix(a.String()).Addr()
		if p.judge(netip.AddrPortFrom(ip, 8080)) == nil {
			t.Errorf("%s is called", ip)
		}
	}
}
