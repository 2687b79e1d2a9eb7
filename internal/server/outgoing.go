package server

import (
	"crypto/rand"
	"net"
	"net/netip"

	"kartoteka/internal/hook"
	"kartoteka/internal/outbound"
)

// webhookClient makes the client of webhooks as the settings say. One company is
// served, so that HOOKS_DENY_PRIVATE=false opens no company's networks to another.
func (a *App) webhookClient() (*outbound.Client, error) {
	s := a.Settings
	return outbound.New(outbound.Config{
		Policy: outbound.Policy{
			Networks:       s.OutboundNetworks,
			Private:        !s.HooksDenyPrivate,
			PrivateSetting: "HOOKS_DENY_PRIVATE=false",
			Own:            a.own,
		},
		Proxy:       s.OutboundProxy,
		TLSInsecure: s.HooksTLSInsecure,
		Timeout:     s.WebhookTimeout,
		UserAgent:   "Kartoteka/" + a.Version,
	})
}

// openHooks makes what calls webhooks.
func (a *App) openHooks() error {
	client, err := a.webhookClient()
	if err != nil {
		return err
	}
	a.closers = append(a.closers, func() error { client.Close(); return nil })
	base := ""
	if a.Settings.Host != "" {
		base = "http://" + a.Settings.Host
		if a.Settings.LinksHTTPS {
			base = "https://" + a.Settings.Host
		}
	}
	a.hooks = hook.New(hook.Options{
		Catalog: a.Catalog, Jobs: a.company, Client: client, Now: a.now, Log: a.Log, Owner: rand.Text(), Base: base,
		Shared: a.Settings.DBConnection != "", Timeout: a.Settings.WebhookTimeout, Rate: a.Settings.WebhookRate,
		Scenarios: a.scenarioOptions(),
	})
	a.closers = append(a.closers, a.hooks.Close)
	return nil
}

// own gives the addresses of the open listeners, none before there are any.
func (a *App) own() []netip.AddrPort {
	if all := a.listening.Load(); all != nil {
		return *all
	}
	return nil
}

// opened notes which addresses this server listens on.
func (a *App) opened(listeners []listener) {
	var all []netip.AddrPort
	for _, l := range listeners {
		if tcp, ok := l.Addr().(*net.TCPAddr); ok {
			all = append(all, tcp.AddrPort())
		}
	}
	a.listening.Store(&all)
}
