package server

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/config"
	"kartoteka/internal/outbound"
)

func TestWebhookClient(t *testing.T) {
	var agent string
	receive := func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
		}
	}
	plain := httptest.NewServer(http.HandlerFunc(receive))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(receive))
	defer secure.Close()
	own, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	ours := "http://" + own.Addr().String()

	open := config.Settings{WebhookTimeout: time.Second}
	strict := config.Settings{WebhookTimeout: time.Second, HooksDenyPrivate: true}
	named, insecure, hasty, proxied := strict, open, open, open
	named.OutboundNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	insecure.HooksTLSInsecure = true
	hasty.WebhookTimeout = 50 * time.Millisecond
	proxied.OutboundProxy = &url.URL{Scheme: "http", Host: "127.0.0.1:1"} // nobody listens there
	for _, c := range []struct {
		name     string
		settings config.Settings
		url      string
		reason   outbound.Reason // "" for success
		setting  string
	}{
		{"private networks denied", strict, plain.URL, outbound.RefusedAddress, "HOOKS_DENY_PRIVATE=false"},
		{"private networks open", open, plain.URL, "", ""},
		{"a named network", named, plain.URL, "", ""},
		{"this server", open, ours, outbound.RefusedAddress, ""},
		{"this server in a named network", named, ours, outbound.RefusedAddress, ""},
		{"a certificate of its own", open, secure.URL, outbound.Untrusted, ""},
		{"any certificate", insecure, secure.URL, "", ""},
		{"no time", hasty, plain.URL + "/slow", outbound.Timeout, ""},
		{"proxy", proxied, plain.URL, outbound.ProxyFailed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &App{Settings: &c.settings, Version: "7"}
			client, err := a.webhookClient()
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			a.opened([]listener{{Listener: own}}) // listeners open after the client is made
			_, err = client.Do(t.Context(), outbound.Request{URL: c.url})
			var e *outbound.Error
			if c.reason == "" {
				if err != nil || agent != "Kartoteka/7" {
					t.Errorf("%v, as %q", err, agent)
				}
			} else if !errors.As(err, &e) || e.Reason != c.reason || e.Setting != c.setting || !strings.Contains(e.Message.In("en"), c.setting) {
				t.Errorf("%v", err)
			}
		})
	}
}
