package config

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCalls(t *testing.T) {
	s := load(t, Sources{Dir: t.TempDir(), Env: []string{
		"SYNC_PRIVATE_NETWORKS=10.1.0.0/16, 127.0.0.1,fd12::/32", "OUTBOUND_PROXY=http://me:s3cr%40t@proxy.example:3128", "HOOKS_DENY_PRIVATE=false",
		"NODE_TLS_REJECT_UNAUTHORIZED=0", "WEBHOOK_TIMEOUT=2500",
	}})
	want := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("fd12::/32")}
	if !slices.Equal(s.OutboundNetworks, want) || s.HooksDenyPrivate || !s.HooksTLSInsecure || s.WebhookTimeout != 2500*time.Millisecond {
		t.Errorf("%+v", s)
	}
	if password, _ := s.OutboundProxy.User.Password(); s.OutboundProxy.Host != "proxy.example:3128" || password != "s3cr@t" {
		t.Errorf("proxy %v", s.OutboundProxy)
	}
	if got := row(t, s, "OUTBOUND_PROXY").Value; got != "http://me:xxxxx@proxy.example:3128" {
		t.Errorf("shown as %q", got)
	}
	if len(s.Warnings()) != 0 {
		t.Errorf("warnings %v", s.Warnings())
	}
}

func TestCallsThatAreRefused(t *testing.T) {
	for _, pair := range []string{
		"OUTBOUND_PRIVATE_NETWORKS=10.0.0.0/33", "OUTBOUND_PRIVATE_NETWORKS=lan", "HOOKS_DENY_PRIVATE=maybe", "WEBHOOK_TIMEOUT=0", "WEBHOOK_TIMEOUT=10s",
		"OUTBOUND_PROXY=proxy:3128", "OUTBOUND_PROXY=socks5://me:s3cret@proxy:1080", "OUTBOUND_PROXY=http://", "OUTBOUND_PROXY=http://:3128",
		"OUTBOUND_PROXY=http://proxy:0", "OUTBOUND_PROXY=http://proxy:65536", "OUTBOUND_PROXY=http://proxy/path", "OUTBOUND_PROXY=http://proxy?x=1",
		"OUTBOUND_PROXY=http://me:s3cret@pro xy", "OUTBOUND_PROXY=http:proxy",
	} {
		key, _, _ := strings.Cut(pair, "=")
		_, err := Load(Sources{Dir: t.TempDir(), Env: []string{pair}})
		if err == nil || !strings.Contains(err.Error(), key+" (environment "+key+") must be") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", pair, err)
		}
	}
}
