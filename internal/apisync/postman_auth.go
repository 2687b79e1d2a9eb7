package apisync

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// ways are the ways in, the handiest first.
var ways = []string{AuthBearer, AuthBasic, AuthPlatform, AuthHeader, AuthHMAC, AuthNone}

// wayIn is the handiest way in that an endpoint has a credential for; "" for none.
func (c *Compiled) wayIn() string {
	for _, way := range ways {
		if c.opens(way) {
			return way
		}
	}
	return ""
}

// opens tells whether somebody may come in that way.
func (c *Compiled) opens(way string) bool {
	switch {
	case !slices.Contains(c.AuthTypes, way) || way == AuthHMAC && c.HMAC == nil:
		return false
	case way == AuthNone || way == AuthPlatform:
		return true
	}
	return slices.ContainsFunc(c.Credentials, func(k Credential) bool { return k.Enabled && k.Type == way })
}

// signIn makes a request come in by a way.
func (p *postman) signIn(r *request, c *Compiled, way string) {
	own := func(name, value string) string {
		p.variable(variableName(c, name), value)
		return "{{" + variableName(c, name) + "}}"
	}
	part := func(key, value string) object { return object{"key": key, "value": value, "type": "string"} }
	r.auth = object{"type": "noauth"}
	switch way {
	case AuthBearer:
		r.auth = object{"type": "bearer", "bearer": []any{part("token", own("bearer_token", "{{bearer_token}}"))}}
	case AuthBasic, AuthPlatform:
		r.auth = object{"type": "basic", "basic": []any{
			part("username", own("basic_auth_user", "{{basic_auth_user}}")), part("password", own("basic_auth_password", "{{basic_auth_password}}")),
		}}
	case AuthHeader:
		p.variable("api_key", "")
		r.headers = append(r.headers, Pair{c.keyHeaders()[0], own("api_key", "{{api_key}}")})
	case AuthHMAC:
		own("hmac_secret", "")
		r.before = append(r.before, c.HMAC.script(variableName(c, "hmac_secret"))...)
	}
	for _, name := range c.required() {
		r.headers = append(r.headers, Pair{name, own("header_"+strings.ToLower(name), "")})
	}
}

// script signs a request.
func (h *HMAC) script(secret string) []string {
	encoding := "Hex"
	if h.Encoding == "base64" {
		encoding = "Base64"
	}
	lines := []string{`let signed = pm.request.body && pm.request.body.raw ? pm.variables.replaceIn(pm.request.body.raw) : "";`}
	if h.TimestampHeader != "" {
		lines = append(lines, `const stamp = String(Math.floor(Date.now() / 1000));`, `signed = stamp + "." + signed;`,
			`pm.request.headers.upsert({ key: `+strconv.Quote(h.TimestampHeader)+`, value: stamp });`)
	}
	return append(lines,
		`const mac = CryptoJS.Hmac`+strings.ToUpper(h.Algorithm)+`(signed, pm.variables.get(`+strconv.Quote(secret)+`)).toString(CryptoJS.enc.`+encoding+`);`,
		`pm.request.headers.upsert({ key: `+strconv.Quote(h.Header)+`, value: `+strconv.Quote(h.Prefix)+` + mac });`)
}

var wayNames = map[string]string{
	AuthBearer: "Bearer token", AuthBasic: "Login and password", AuthPlatform: "Account of this server", AuthHeader: "Key in a header",
	AuthHMAC: "Signature", AuthNone: "Without a credential",
}

// waysIn tries each way in on the first endpoint that has it and can be read.
func (p *postman) waysIn(endpoints []Described) []any {
	items := []any{}
	for _, way := range ways {
		i := slices.IndexFunc(endpoints, func(e Described) bool { return slices.Contains(e.Methods, http.MethodGet) && e.Config.opens(way) })
		if i < 0 || way == AuthPlatform && endpoints[i].Config.opens(AuthBasic) {
			continue // one login would have to be two things
		}
		c := endpoints[i].Config
		r := &request{name: wayNames[way], method: http.MethodGet, endpoint: c.Endpoint.Endpoint, query: []Pair{{"limit", "1"}}, status: []int{200}}
		p.signIn(r, c, way)
		items = append(items, r.item())
	}
	return items
}

// errors are requests that must be refused, most of them to one endpoint.
func (p *postman) errors(e Described) []any {
	c, has := e.Config, func(method string) bool { return slices.Contains(e.Methods, method) }
	items := []any{}
	add := func(name, method string, status int, change func(r *request)) {
		r := &request{name: name, method: method, endpoint: "{{endpoint_name}}", status: []int{status}}
		if change != nil {
			change(r)
		}
		if r.auth == nil {
			p.signIn(r, c, c.wayIn())
		}
		items = append(items, r.item())
	}
	open := object{"type": "noauth"}
	add("Unknown endpoint", http.MethodGet, 404, func(r *request) { r.endpoint, r.auth = "no-such-endpoint-here", open })
	if !slices.Contains(c.AuthTypes, AuthNone) {
		add("Wrong token", e.Methods[0], 401, func(r *request) {
			r.auth, r.headers = open, []Pair{{"Authorization", "Bearer a-token-that-is-wrong"}}
		})
		add("No credential", e.Methods[0], 401, func(r *request) { r.auth = open })
	}
	if !slices.Contains(c.Methods, http.MethodPatch) {
		add("Method that is not enabled", http.MethodPatch, 405, nil)
	}
	if has(http.MethodGet) {
		add("Unknown record", http.MethodGet, 404, func(r *request) { r.record = "no-such-record" })
		add("Unknown filter", http.MethodGet, 400, func(r *request) { r.query = []Pair{{"no_such_key", "1"}} })
		add("Negative limit", http.MethodGet, 400, func(r *request) { r.query = []Pair{{"limit", "-1"}} })
		add("Domain that is none", http.MethodGet, 400, func(r *request) { r.query = []Pair{{"domain", "none"}} })
		add("Unknown version", http.MethodGet, 400, func(r *request) { r.headers = []Pair{{"X-API-Version", "99"}} })
	}
	if has(http.MethodPost) {
		add("Invalid JSON", http.MethodPost, 400, func(r *request) { r.body = `{"name": ` })
		add("Empty list", http.MethodPost, 400, func(r *request) { r.body = `[]` })
	}
	return items
}
