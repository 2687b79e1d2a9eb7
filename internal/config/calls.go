package config

import (
	"errors"
	"net/url"
	"strconv"
)

// calls is where calls to other servers may go.
func calls(s *Settings) []setting {
	return []setting{
		{key: "OUTBOUND_PRIVATE_NETWORKS", effect: Active, value: networks(&s.OutboundNetworks),
			help:    "private networks, this machine among them, that outgoing calls may reach; the server itself and link-local addresses never",
			aliases: []alias{{name: "SYNC_PRIVATE_NETWORKS"}}},
		{key: "OUTBOUND_PROXY", effect: Active, value: optional(proxy(&s.OutboundProxy)),
			help: "proxy of all outgoing calls, http://user:password@host:port; those of the environment are not used"},
		{key: "HOOKS_DENY_PRIVATE", def: "true", effect: Active, value: boolean(&s.HooksDenyPrivate),
			help: "webhooks reach no private networks but OUTBOUND_PRIVATE_NETWORKS; false: they also reach 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and this machine"},
		{key: "HOOKS_TLS_INSECURE", def: "false", effect: Active, value: boolean(&s.HooksTLSInsecure),
			help:    "accept any certificate of webhooks",
			aliases: []alias{{"NODE_TLS_REJECT_UNAUTHORIZED", invert}}},
		{key: "WEBHOOK_TIMEOUT", def: "10000", unit: "ms", effect: Active, value: millis(&s.WebhookTimeout, 1),
			help: "longest call of a webhook, from its beginning to the last byte of the answer"},
		{key: "WEBHOOK_RATE", def: "0", unit: "messages per second", effect: Active, value: integer(&s.WebhookRate, 0, 100_000),
			help: "most messages after a change that one webhook gets in a second; 0 for no bound"},
	}
}

// invert reads the original's switch for certificate checks: 0 = do not check.
func invert(s string) string {
	switch s {
	case "0", "false":
		return "true"
	case "1", "true":
		return "false"
	}
	return s
}

// proxy is the address of an HTTP proxy, with its login if it needs one.
func proxy(dst **url.URL) value {
	dst = into(dst)
	return value{kind: "address of a proxy", mask: maskProxy, set: func(s string) error {
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || !validHostPort(u) ||
			u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
			return errors.New("must be http://host:port or https://host:port, with user:password@ before the host if it needs them (special characters percent-encoded)")
		}
		*dst = u
		return nil
	}}
}

func validHostPort(u *url.URL) bool {
	if u.Hostname() == "" {
		return false
	}
	n, err := strconv.Atoi(u.Port())
	return u.Port() == "" || err == nil && n > 0 && n <= 65535
}

// maskProxy keeps what helps to see which proxy is meant.
func maskProxy(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "***"
	}
	return u.Redacted()
}
