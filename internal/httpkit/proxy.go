package httpkit

import (
	"net/http"
	"net/netip"
	"strings"
)

// trusted tells whether a peer may speak for its clients. Loopback always may:
// that is a proxy on this machine.
func (k *Kit) trusted(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	for _, p := range k.opt.TrustedProxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// proxied reads the X-Forwarded headers of a trusted peer.
func (k *Kit) proxied(r *http.Request, q *request) {
	list := r.Header["X-Forwarded-For"]
	if !k.trusted(q.ip) {
		if len(list) > 0 {
			k.untrusted.Do(func() {
				k.opt.Log.WarnContext(r.Context(), "proxy.untrusted", "module", "Router", "ip", q.ip.String(),
					"setting", "TRUSTED_PROXIES")
			})
		}
		return
	}
	q.ip = k.client(q.ip, list)
	if proto := last(r.Header.Get("X-Forwarded-Proto")); proto != "" {
		q.secure = strings.EqualFold(proto, "https")
	}
	if host := last(r.Header.Get("X-Forwarded-Host")); host != "" {
		q.host = host
	}
}

// client walks from the nearest proxy outwards and stops at the first address
// that is not trusted: what stands before it may be invented.
func (k *Kit) client(ip netip.Addr, headers []string) netip.Addr {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for i := len(hops) - 1; i >= 0 && k.trusted(ip); i-- {
		hop, ok := hopAddr(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		ip = hop
	}
	return ip
}

// hopAddr reads an address with or without a port.
func hopAddr(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap(), true
	}
	a, err := netip.ParseAddrPort(s)
	return a.Addr().Unmap(), err == nil
}

func last(list string) string {
	return strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:])
}
