package apisync

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// hiddenHeaders are those whose values are never stored.
var hiddenHeaders = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}

// stateMasks hide what one configuration makes secret. They belong to one goroutine.
type stateMasks struct {
	state   *State
	secrets *needles
	configs map[*Compiled]*configMasks
	// own has the needles of what single exchanges hid, which is mostly the credential
	// of a client that comes again.
	own map[string]*needles
}

// ownMost bounds the sets of values that are remembered.
const ownMost = 64

// needlesOf are those of values that one exchange hides.
func (m *stateMasks) needlesOf(values []string) *needles {
	if len(values) == 0 {
		return nil
	}
	key := strings.Join(values, "\x00")
	if known, ok := m.own[key]; ok {
		return known
	}
	found := newNeedles(values)
	if m.own == nil || len(m.own) >= ownMost {
		m.own = map[string]*needles{}
	}
	m.own[key] = found
	return found
}

// configMasks hide what one endpoint makes secret.
type configMasks struct {
	keys    keys
	headers map[string]bool // in lower case
	// whole tells that a body is one sensitive value, identifier that the identifiers
	// of records are sensitive.
	whole, identifier bool
}

// secretTexts are the secrets of a configuration that can be opened and are long enough
// to be looked for. Of others there are hashes only.
func (s *State) secretTexts(sealer *Sealer) (texts []string) {
	add := func(secret Secret, place string) {
		if secret.Sealed == "" {
			return
		}
		if text, err := sealer.Open(secret.Sealed, place); err == nil && len(text) >= minSecret {
			texts = append(texts, text)
		}
	}
	for name, secret := range s.Settings.Secrets {
		add(secret, place(0, namedField(name)))
	}
	for _, c := range s.Configs {
		for i := range c.Credentials {
			cr := &c.Credentials[i]
			add(cr.Secret, place(c.ID, credentialField(cr.ID)))
			add(cr.Old, place(c.ID, credentialField(cr.ID)))
		}
	}
	return texts
}

func newStateMasks(s *State, sealer *Sealer) *stateMasks {
	m := &stateMasks{state: s, configs: map[*Compiled]*configMasks{}}
	if s != nil && sealer != nil {
		m.secrets = newNeedles(s.secretTexts(sealer))
	}
	return m
}

func (m *stateMasks) of(c *Compiled) *configMasks {
	if known := m.configs[c]; known != nil {
		return known
	}
	one := &configMasks{headers: map[string]bool{}}
	settings := defaultSettings()
	if m.state != nil {
		settings = m.state.Settings
	}
	for _, k := range settings.MaskKeys {
		one.keys.add(k)
	}
	for _, h := range hiddenHeaders {
		one.headers[h] = true
	}
	if c != nil {
		one.add(c)
	}
	m.configs[c] = one
	return one
}

// add adds what a config and those that its relations use make secret.
func (m *configMasks) add(c *Compiled) {
	for i := range c.Credentials {
		if cred := &c.Credentials[i]; cred.Type == AuthHeader {
			m.headers[strings.ToLower(cred.Login)] = true
		}
	}
	if c.HMAC != nil {
		m.headers[strings.ToLower(c.HMAC.Header)] = true
	}
	for _, h := range c.Headers {
		if h.Role == "require" {
			m.headers[strings.ToLower(h.Key)] = true
		}
	}
	m.identifier = c.Identifier != nil && c.Identifier.Sensitive
	m.lines(c, map[*Compiled]bool{})
}

func (m *configMasks) lines(c *Compiled, seen map[*Compiled]bool) {
	if seen[c] {
		return
	}
	seen[c] = true
	for _, l := range c.allLines() {
		if l.Sensitive {
			m.sensitive(l.ExternalKey)
		}
	}
	for _, l := range c.Lines {
		if l.Mapping != nil {
			m.lines(l.Mapping, seen)
		}
	}
}

// sensitive hides the values of an external key, which may be a path: by the path as a
// key of its own, as queries have it, and by its last step.
func (m *configMasks) sensitive(key string) {
	if key == "$" {
		m.whole = true
		return
	}
	m.keys.add(strings.ReplaceAll(key, `\.`, "."))
	steps := strings.Split(strings.ReplaceAll(key, `\.`, "\x00"), ".")
	last := strings.ReplaceAll(steps[len(steps)-1], "\x00", ".")
	for strings.HasSuffix(last, "]") { // phones[0], items[]
		open := strings.LastIndexByte(last, '[')
		if open < 0 {
			break
		}
		last = last[:open]
	}
	m.keys.add(last)
}

// mask hides what one exchange has to hide.
type mask struct {
	*configMasks
	all   *stateMasks
	own   []string        // the values of this exchange that are hidden wherever they stand
	known map[string]bool // the same
	found *needles        // those
}

// maxOwn bounds the values of one exchange that are looked for.
const maxOwn = 1000

func (m *mask) hide(value string) {
	for _, v := range []string{value, strings.TrimSpace(value)} {
		if len(v) < minNeedle || len(m.own) >= maxOwn || m.known[v] {
			continue
		}
		if m.known == nil {
			m.known = map[string]bool{}
		}
		m.known[v] = true
		m.own = append(m.own, v)
	}
}

// hideEncoded hides a value as it stands in JSON, and what it stands for.
func (m *mask) hideEncoded(value []byte) {
	eachText(value, func(text []byte) {
		m.hide(string(text))
		for v := (view{data: text}).unescaped(); v != nil; v = v.unescaped() {
			m.hide(string(v.data))
		}
	})
}

// learn finds the values of an exchange that are to be hidden.
func (m *mask) learn(e *Exchanged, request, response []byte) {
	for name, values := range e.RequestHeader {
		if m.hidesHeader(name) {
			for _, v := range values {
				m.learnHeader(name, v)
			}
		}
	}
	if _, query, ok := strings.Cut(e.URL, "?"); ok {
		m.query(query, m.hideEncoded)
	}
	for _, body := range [][]byte{request, response} {
		m.keys.find(nil, body, m.hideEncoded)
	}
	if m.identifier {
		m.hide(e.PathID)
		for _, id := range e.ExternalIDs {
			m.hide(id)
		}
	}
	m.found = m.all.needlesOf(m.own)
}

func (m *mask) hidesHeader(name string) bool {
	name = strings.ToLower(name)
	return m.headers[name] || m.keys.names[name]
}

// learnHeader hides the parts of a credential.
func (m *mask) learnHeader(name, value string) {
	m.hide(value)
	if strings.HasSuffix(strings.ToLower(name), "cookie") {
		for part := range strings.SplitSeq(value, ";") {
			if _, v, ok := strings.Cut(part, "="); ok && len(v) >= minSecret {
				m.hide(v)
			}
		}
		return
	}
	scheme, rest, ok := strings.Cut(strings.TrimSpace(value), " ")
	if rest = strings.TrimSpace(rest); !ok {
		return
	}
	m.hide(rest)
	if strings.EqualFold(scheme, "Basic") {
		_, password := basicParts(rest)
		m.hide(password)
	}
}

func basicParts(code string) (user, password string) {
	plain, err := base64.StdEncoding.DecodeString(code)
	if err != nil {
		plain, _ = base64.RawStdEncoding.DecodeString(strings.TrimRight(code, "="))
	}
	user, password, _ = strings.Cut(string(plain), ":")
	return user, password
}

// text masks a text of any kind.
func (m *mask) text(s string) string {
	if s == "" {
		return ""
	}
	return clean(m.body([]byte(s)))
}

// body masks a body.
func (m *mask) body(text []byte) string {
	var spans []hole
	if len(text) > 0 {
		spans = m.keys.find(spans, text, func([]byte) {})
		spans = m.all.secrets.find(spans, text)
		spans = m.found.find(spans, text)
	}
	return replaced(text, spans)
}

// address masks an address, or a query alone behind a question mark.
func (m *mask) address(s string) string {
	path, query, ok := strings.Cut(s, "?")
	if ok {
		path += "?" + m.query(query, func([]byte) {})
	}
	return m.text(path)
}

// query masks the values of a query, and gives them to each.
func (m *mask) query(query string, each func([]byte)) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		plain := unescapeQuery(value)
		if m.keys.names[strings.ToLower(unescapeQuery(name))] {
			each([]byte(plain))
			parts[i] = name + "=" + hidden
			continue
		}
		if spans := m.keys.find(nil, []byte(plain), each); len(spans) > 0 { // a domain
			parts[i] = name + "=" + url.QueryEscape(replaced([]byte(plain), spans))
		}
	}
	return strings.Join(parts, "&")
}

// unescapeQuery undoes percent-encoding as far as it is right.
func unescapeQuery(s string) string {
	s = strings.ReplaceAll(s, "+", " ")
	if v := (view{data: []byte(s)}).percent(); v != nil {
		return string(v.data)
	}
	return s
}

// header masks the values of headers.
func (m *mask) header(h map[string][]string) map[string][]string {
	if len(h) == 0 {
		return nil
	}
	masked := make(map[string][]string, len(h))
	for name, values := range h {
		list := make([]string, len(values))
		for i, v := range values {
			list[i] = m.headerValue(name, v)
		}
		masked[m.text(name)] = list
	}
	return masked
}

func (m *mask) headerValue(name, value string) string {
	if !m.hidesHeader(name) {
		return shorten(m.address(value), maxHeader)
	}
	if strings.EqualFold(name, "Authorization") && len(value) > 6 && strings.EqualFold(value[:6], "Basic ") {
		if user, _ := basicParts(strings.TrimSpace(value[6:])); user != "" { // user names stay
			return shorten("Basic "+m.text(user)+":"+hidden, maxHeader)
		}
	}
	return hidden
}

// clean is a text as databases take it.
func clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// shorten cuts a text to a number of bytes, between characters.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// methodsThatWrite are those whose raw requests are kept.
var methodsThatWrite = []string{"POST", "PUT", "PATCH", "DELETE"}

func writes(method string) bool { return slices.Contains(methodsThatWrite, method) }
