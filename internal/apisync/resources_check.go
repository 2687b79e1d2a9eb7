package apisync

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Bounds of what people configure.
const (
	nameMost        = 200
	textMost        = 10_000
	linesMost       = 500
	childrenMost    = 200
	domainMost      = 16 << 10
	batchMost       = 1_000
	limitMost       = 1_000
	leastBody       = 1 << 10
	mostBody        = 100 << 20
	timeoutMost     = 120
	rateMost        = 1_000_000
	toleranceMost   = 24 * 3600
	pathMost        = 500
	defaultsMost    = 64 << 10
	settingsEntries = 1_000
)

var (
	endpointPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	secretPattern   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,62}$`)
)

// checking collects what is wrong with a resource, all of it.
type checking struct {
	service  *Service
	state    *State
	errors   []fault.Detail
	warnings []fault.Detail
	lenient  bool // what an inactive config may lack is a warning
}

func (k *checking) fail(path string, code fault.Code, format string, args ...any) {
	k.errors = append(k.errors, fault.At(path, code, format, args...))
}

func (k *checking) warn(path string, code fault.Code, format string, args ...any) {
	k.warnings = append(k.warnings, fault.At(path, code, format, args...))
}

// soft is fail for what only an active config must have.
func (k *checking) soft(path string, code fault.Code, format string, args ...any) {
	if k.lenient {
		k.warn(path, code, format, args...)
	} else {
		k.fail(path, code, format, args...)
	}
}

// failed tells whether something is wrong at a path or below.
func (k *checking) failed(path string) bool {
	return slices.ContainsFunc(k.errors, func(d fault.Detail) bool { return strings.HasPrefix(d.Path, path) })
}

func (k *checking) oneOf(path, value string, of ...string) {
	if !slices.Contains(of, value) {
		k.fail(path, fault.InvalidParameter, "expected one of %s", strings.TrimPrefix(strings.Join(of, ", "), ", "))
	}
}

func (k *checking) within(path string, n, least, most int64) {
	if n < least || n > most {
		k.fail(path, fault.Max, "expected a number from %d to %d", least, most)
	}
}

func (k *checking) length(path, text string, least, most int) {
	switch n := utf8.RuneCountInString(text); {
	case n < least:
		k.fail(path, fault.Required, "a value is required")
	case n > most:
		k.fail(path, fault.TooLong, "at most %d characters", most)
	}
}

func (k *checking) networks(path string, list []string) {
	if len(list) > childrenMost {
		k.fail(path, fault.TooMany, "at most %d entries are possible", childrenMost)
	}
	for i, text := range list {
		_, err := netip.ParsePrefix(text)
		addr, err2 := netip.ParseAddr(text)
		if err != nil && (err2 != nil || addr.Zone() != "") {
			k.fail(fmt.Sprintf("%s[%d]", path, i), fault.InvalidParameter, "expected an address or a range such as 192.0.2.0/24")
		}
	}
}

func (k *checking) rate(path string, r *RateLimit) {
	if r != nil {
		k.within(path+".per_minute_ip", int64(r.PerMinuteIP), 0, rateMost)
		k.within(path+".per_hour_key", int64(r.PerHourKey), 0, rateMost)
	}
}

func (k *checking) set(path string, list, of []string) {
	for i, one := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		k.oneOf(at, one, of...)
		if slices.Contains(list[:i], one) {
			k.fail(at, fault.Duplicate, "it is there twice")
		}
	}
}

func (k *checking) code(path, code string) {
	if !codePattern.MatchString(code) {
		k.fail(path, fault.InvalidID, "a code begins with a small Latin letter and has at most 63 of them, digits, - and _")
	}
}

// domain checks the form of a domain, which may be a text that has to be evaluated where
// expressions are possible. What it asks is checked by conditions.
func (k *checking) domain(path string, raw json.RawMessage, expressions bool) {
	first := strings.TrimLeft(string(raw), " \t\r\n")
	switch {
	case first == "" || first[0] == '[' || first[0] == '"':
	default:
		k.fail(path, fault.Type, "expected a list or a text")
		return
	}
	if len(raw) > domainMost {
		k.fail(path, fault.TooLong, "at most %d bytes", domainMost)
		return
	}
	_, err := ReadDomain(raw)
	if e := AsError(err); e != nil && !(expressions && first[0] == '"') {
		k.fail(path, fault.InvalidFilter, "%s", e.Message)
	}
}

// config checks a config under the configuration that it would be part of.
func (k *checking) config(ctx context.Context, d *draft) error {
	c := d.Config
	k.lenient = !c.Active
	if d.before == nil && len(k.state.Configs) >= resourcesMost {
		k.fail("", fault.TooMany, "at most %d entries are possible", resourcesMost)
	}
	if other := k.state.Configs[c.Code]; d.before == nil && other != nil && other != c {
		k.fail("code", fault.Duplicate, "the code is taken")
	}
	if k.state.Configs[c.Code] != c {
		k.state = k.state.with(c)
	}
	k.general(c)
	if c.RequestType == Inbound {
		k.endpoint(d)
	}
	if err := k.runAs(ctx, c); err != nil {
		return err
	}
	k.children(d)
	if compiled := k.state.Compiled(c.Code); compiled != nil && compiled.Catalog != nil {
		k.lines(compiled)
		if err := k.conditions(ctx, compiled); err != nil {
			return err
		}
	}
	return k.compile(ctx, c)
}

// with is the configuration with a config in place of the one with its code.
func (s *State) with(c *Config) *State {
	out := &State{
		Structure: s.Structure, Settings: s.Settings, Configs: map[string]*Config{}, Scripts: s.Scripts,
		endpoints: map[string]*Compiled{}, compiled: map[string]*Compiled{}, resources: s.resources, sealer: s.sealer,
	}
	for code, other := range s.Configs {
		out.Configs[code] = other
	}
	out.Configs[c.Code] = c
	out.compileAll()
	return out
}

func (k *checking) general(c *Config) {
	k.code("code", c.Code)
	k.length("name", c.Name, 1, nameMost)
	k.length("description", c.Description, 0, textMost)
	if len(c.Tags) > childrenMost {
		k.fail("tags", fault.TooMany, "at most %d entries are possible", childrenMost)
	}
	switch c.RequestType {
	case Outbound:
		k.fail("request_type", fault.NotImplemented, "requests to other systems are not possible yet; in and mapping are")
	default:
		k.oneOf("request_type", c.RequestType, Inbound, Mapping)
	}
	if c.Connection != Local {
		k.fail("connection", fault.NotFound, "there is no connection %s", c.Connection)
	}
	switch {
	case c.Model == "":
		k.fail("model", fault.Required, "a value is required")
	case slices.Contains(forbiddenModels, c.Model):
		k.fail("model", fault.Forbidden, "such a catalog is never given to others")
	case k.state.Compiled(c.Code).Catalog == nil:
		k.soft("model", fault.NotFound, "there is no catalog %s", c.Model)
	}
	k.domain("filter_domain", c.FilterDomain, true)
	k.domain("identifier_domain", c.IdentifierDomain, false)
	k.oneOf("identity", c.Identity, ByField, ByLink)
	k.matching(c)
	k.oneOf("unknown_keys", c.UnknownKeys, "ignore", "error")
	k.oneOf("log_bodies", c.LogBodies, "all", "errors", "none")
	k.within("page_size", int64(c.PageSize), 1, limitMost)
	k.length("link_group", c.LinkGroup, 0, nameMost)
	if data, err := json.Marshal(c.Context); err != nil || len(data) > domainMost {
		k.fail("context", fault.TooLong, "at most %d bytes", domainMost)
	}
	if from := k.state.Configs[c.LinesFrom]; c.LinesFrom != "" && (from == nil || c.LinesFrom == c.Code) {
		k.soft("lines_from", fault.NotFound, "there is no config %s", c.LinesFrom)
	}
}

// endpoint checks what only inbound configs have.
func (k *checking) endpoint(d *draft) {
	c := d.Config
	e := &c.Endpoint
	if !endpointPattern.MatchString(e.Endpoint) {
		k.fail("endpoint", fault.InvalidID, "an endpoint has 1 to 64 small Latin letters, digits, - and _, and begins with none of the latter")
	}
	for _, code := range sortedKeys(k.state.Configs) {
		other := k.state.Configs[code]
		if code != c.Code && other.RequestType == Inbound && other.Endpoint.Endpoint == e.Endpoint {
			k.fail("endpoint", fault.Duplicate, "the config %s has this endpoint", code)
		}
	}
	if len(e.Methods) == 0 {
		k.fail("methods", fault.Required, "a value is required")
	}
	k.set("methods", e.Methods, methods)
	k.authentication(d)
	k.within("max_limit", int64(e.MaxLimit), 1, limitMost)
	k.within("default_limit", int64(e.DefaultLimit), 1, int64(max(1, e.MaxLimit)))
	k.oneOf("path_id", e.PathID, "record_id", "identifier")
	k.oneOf("on_duplicate", e.OnDuplicate, "error", "update", "skip")
	if e.CreatedStatus != 200 && e.CreatedStatus != 201 {
		k.fail("created_status", fault.InvalidParameter, "expected one of %s", "200, 201")
	}
	k.oneOf("response_format", e.ResponseFormat, "envelope", "bare")
	k.length("body_path", e.BodyPath, 0, pathMost)
	if _, ok := ParsePath(e.BodyPath); !ok && e.BodyPath != "" {
		k.fail("body_path", fault.InvalidParameter, "it is no path")
	}
	k.within("batch_max", int64(e.BatchMax), 1, batchMost)
	k.oneOf("batch_mode", e.BatchMode, "partial", "atomic")
	k.oneOf("delete_mode", e.DeleteMode, "delete", "archive")
	if e.DeleteMode == "archive" && k.state.Settings.ActiveFields[c.Model] == "" {
		k.soft("delete_mode", fault.InvalidParameter, "the settings name no switch in active_fields for this model")
	}
	k.oneOf("domain_fields", e.DomainFields, "mapped", "any")
	k.within("max_body_bytes", e.MaxBodyBytes, leastBody, mostBody)
	if e.RequestTimeout < 1 || e.RequestTimeout > timeoutMost {
		k.fail("request_timeout", fault.Max, "expected a number from %d to %d", 1, timeoutMost)
	}
	k.rate("rate_limit", e.RateLimit)
	k.networks("allowed_ips", e.AllowedIPs)
	for i, origin := range e.CORSOrigins {
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != origin) {
			k.fail(fmt.Sprintf("cors_origins[%d]", i), fault.InvalidParameter, "expected an origin such as https://shop.example.com")
		}
	}
	for i, key := range e.SearchFields {
		if l := k.state.Compiled(c.Code).Line(key); l == nil || !l.Out() {
			k.soft(fmt.Sprintf("search_fields[%d]", i), fault.NotFound, "there is no line with the key %s", key)
		}
	}
}

var (
	methods   = []string{"GET", "POST", "PUT", "DELETE", "PATCH"}
	authTypes = []string{AuthNone, AuthBasic, AuthBearer, AuthHeader, AuthHMAC, AuthPlatform}
)

// authentication checks who may come in.
func (k *checking) authentication(d *draft) {
	c := d.Config
	open := slices.Contains(c.AuthTypes, AuthNone)
	if len(c.AuthTypes) == 0 {
		k.fail("auth_types", fault.Required, "a value is required")
	}
	k.set("auth_types", c.AuthTypes, authTypes)
	if open && len(c.AuthTypes) > 1 {
		k.fail("auth_types", fault.InvalidParameter, "none must stand alone")
	}
	if open {
		k.open(c)
	}
	enabled := func(cr Credential) bool { return cr.Enabled && slices.Contains(c.AuthTypes, cr.Type) }
	if !open && !slices.Contains(c.AuthTypes, AuthPlatform) && !slices.ContainsFunc(c.Credentials, enabled) {
		k.soft("credentials", fault.Required, "an enabled credential of one of the types is required")
	}
	if slices.Contains(c.AuthTypes, AuthHMAC) && c.HMAC == nil {
		k.soft("hmac", fault.Required, "a value is required")
	}
	if h := c.HMAC; h != nil {
		if !httpguts.ValidHeaderFieldName(h.Header) {
			k.fail("hmac.header", fault.InvalidParameter, "expected the name of a header")
		}
		if h.TimestampHeader != "" && !httpguts.ValidHeaderFieldName(h.TimestampHeader) {
			k.fail("hmac.timestamp_header", fault.InvalidParameter, "expected the name of a header")
		}
		k.oneOf("hmac.algorithm", h.Algorithm, "sha256", "sha1", "sha512")
		k.oneOf("hmac.encoding", h.Encoding, "hex", "base64")
		k.length("hmac.prefix", h.Prefix, 0, nameMost)
		k.within("hmac.tolerance_seconds", int64(h.ToleranceSeconds), 0, toleranceMost)
	}
}

// open checks an endpoint that anybody may call.
func (k *checking) open(c *Config) {
	writes := func(m string) bool { return m != "GET" }
	limited := len(c.AllowedIPs) > 0 || c.RateLimit != nil && c.RateLimit.PerMinuteIP > 0
	switch {
	case !slices.ContainsFunc(c.Methods, writes):
	case !c.AnonymousWrite:
		k.fail("methods", fault.Forbidden, "without authentication only GET is possible, unless anonymous_write is on")
	case !limited:
		k.fail("anonymous_write", fault.Forbidden, "writing without authentication needs allowed_ips or a limit per_minute_ip")
	}
	if c.AllowDryRun {
		k.fail("allow_dry_run", fault.Forbidden, "a dry run needs authentication")
	}
	k.warn("auth_types", fault.Forbidden, "anybody who reaches the server may call this endpoint")
}

// runAs checks the employee as whom the endpoint works.
func (k *checking) runAs(ctx context.Context, c *Config) error {
	if c.RequestType == Mapping && c.RunAs == 0 {
		return nil
	}
	if c.RunAs <= 0 {
		k.fail("run_as", fault.Required, "a value is required")
		return nil
	}
	standing, err := k.service.options.Catalog.Standing(ctx, []query.Record{c.RunAs})
	if err != nil {
		return err
	}
	administers, there := standing[c.RunAs]
	switch {
	case !there:
		k.fail("run_as", fault.NotFound, "There is no such employee")
	case administers && c.RequestType == Inbound && slices.Contains(c.AuthTypes, AuthNone):
		k.fail("run_as", fault.Forbidden, "an endpoint without authentication cannot work as an administrator")
	}
	return nil
}

// namedScript is a script of a config and where it stands.
type namedScript struct {
	path   string
	script *Script
	mode   string
}

func (c *Config) scripts() (all []namedScript) {
	for _, one := range []namedScript{
		{"pre_script", c.PreScript, "execute"}, {"post_script", c.PostScript, "execute"}, {"response_script", c.ResponseScript, "execute"},
	} {
		if one.script != nil {
			all = append(all, one)
		}
	}
	for i := range c.Lines {
		if l := &c.Lines[i]; l.Script != nil {
			all = append(all, namedScript{fmt.Sprintf("lines[%d].script", i), l.Script, l.ScriptMode})
		}
	}
	if text, ok := expression(c.FilterDomain); ok {
		all = append(all, namedScript{"filter_domain", &Script{Source: text}, "evaluate"})
	}
	for i := range c.Lines {
		if text, ok := expression(c.Lines[i].Default); ok && strings.HasPrefix(text, "=") {
			all = append(all, namedScript{fmt.Sprintf("lines[%d].default", i), &Script{Source: text[1:]}, "evaluate"})
		}
	}
	return all
}

// expression gives the text of a JSON text.
func expression(raw json.RawMessage) (text string, ok bool) {
	return text, len(raw) > 0 && json.Unmarshal(raw, &text) == nil && text != ""
}

// settings checks the module's settings.
func (k *checking) settings(ctx context.Context, s *Settings) error {
	k.rate("rate_limit", &s.RateLimit)
	k.within("idempotency_ttl_hours", int64(s.IdempotencyHours), 1, 168)
	for path, n := range map[string]int{"log.success_days": s.Log.SuccessDays, "log.error_days": s.Log.ErrorDays, "log.body_days": s.Log.BodyDays} {
		k.within(path, int64(n), 0, 3650)
	}
	k.within("log.max_rows", s.Log.MaxRows, 1, 1_000_000_000)
	k.within("log.max_bytes", s.Log.MaxBytes, 1<<20, 1<<40)
	if u, err := url.Parse(s.PublicBaseURL); s.PublicBaseURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		k.fail("public_base_url", fault.InvalidParameter, "it is not a web address")
	}
	for i, key := range s.MaskKeys {
		k.length(fmt.Sprintf("mask_keys[%d]", i), key, 1, nameMost)
	}
	for path, n := range map[string]int{
		"mask_keys": len(s.MaskKeys), "secrets": len(s.Secrets), "operators": len(s.Operators), "model_aliases": len(s.ModelAliases),
		"active_fields": len(s.ActiveFields), "parent_fields": len(s.ParentFields),
	} {
		if n > settingsEntries {
			k.fail(path, fault.TooMany, "at most %d entries are possible", settingsEntries)
		}
	}
	for _, name := range sortedKeys(s.Secrets) {
		if !secretPattern.MatchString(name) {
			k.fail("secrets."+name, fault.InvalidID, "the name of a secret has at most 63 Latin letters, digits, . - and _, and begins with a letter")
		}
	}
	k.models(s)
	standing, err := k.service.options.Catalog.Standing(ctx, s.Operators)
	for i, n := range s.Operators {
		if _, there := standing[n]; !there && err == nil {
			k.fail(fmt.Sprintf("operators[%d]", i), fault.NotFound, "There is no such employee")
		}
	}
	slices.SortStableFunc(k.errors, func(a, b fault.Detail) int { return strings.Compare(a.Path, b.Path) })
	return err
}

// models checks what the settings say of catalogs.
func (k *checking) models(s *Settings) {
	st := k.state.Structure
	for _, name := range sortedKeys(s.ModelAliases) {
		if c := st.CatalogByKey(s.ModelAliases[name]); c == nil || slices.Contains(forbiddenModels, c.Key) {
			k.fail("model_aliases."+name, fault.NotFound, "there is no catalog %s", s.ModelAliases[name])
		}
	}
	fields := func(path string, of map[string]string, fits func(*catalog.Catalog, *catalog.Field) bool) {
		for _, model := range sortedKeys(of) {
			at := path + "." + model
			c := modelOf(st, s, model)
			if c == nil {
				k.fail(at, fault.NotFound, "there is no catalog %s", model)
				continue
			}
			if f := fieldOf(c, of[model]); f == nil || !fits(c, f) {
				k.fail(at, fault.NotFound, "there is no such field of the right type: %s", of[model])
			}
		}
	}
	fields("active_fields", s.ActiveFields, func(_ *catalog.Catalog, f *catalog.Field) bool { return f.Type.Name() == "switch" })
	fields("parent_fields", s.ParentFields, func(c *catalog.Catalog, f *catalog.Field) bool { return onlyLinked(st, f) == c })
}
