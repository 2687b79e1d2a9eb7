package outbound

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// dialer gives the transport's way to connect. Without a proxy each address is
// judged before its connection, after the look-up; with one, every connection is
// to the proxy.
func dialer(c Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: c.ConnectTimeout, Resolver: c.Resolver}
	if c.Proxy == nil {
		d.ControlContext = c.Policy.control
		return d.DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, &proxyDial{err}
		}
		return conn, nil
	}
}

// control is called with each address that is about to be connected to.
func (p Policy) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return &refusal{}
	}
	if r := p.judge(at); r != nil {
		return r
	}
	return nil
}

// lookUp judges a target that a proxy will connect to: all its addresses, because
// the proxy may take any.
func (c *Client) lookUp(ctx context.Context, t target) error {
	if _, err := netip.ParseAddr(t.host); err == nil {
		return nil // judged with the URL
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.ConnectTimeout)
	defer cancel()
	addresses, err := c.config.Resolver.LookupNetIP(ctx, "ip", t.host)
	if err != nil {
		return fmt.Errorf("look up: %w", err)
	}
	for _, a := range addresses {
		if r := c.config.Policy.judge(netip.AddrPortFrom(a, t.port)); r != nil {
			return r
		}
	}
	return nil
}
