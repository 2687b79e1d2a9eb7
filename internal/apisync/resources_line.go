package apisync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query/domain"
	"kartoteka/internal/script"
)

// children checks what a config has lists of, each by itself.
func (k *checking) children(d *draft) {
	c := d.Config
	for _, one := range []struct {
		path    string
		n, most int
	}{
		{"lines", len(c.Lines), linesMost}, {"headers", len(c.Headers), childrenMost},
		{"params", len(c.Params), childrenMost}, {"credentials", len(c.Credentials), childrenMost},
	} {
		if one.n > one.most {
			k.fail(one.path, fault.TooMany, "at most %d entries are possible", one.most)
			return
		}
	}
	for i := range c.Lines {
		k.line(fmt.Sprintf("lines[%d]", i), &c.Lines[i])
	}
	for i := range c.Headers {
		k.header(fmt.Sprintf("headers[%d]", i), d, i)
	}
	for i := range c.Params {
		k.param(fmt.Sprintf("params[%d]", i), &c.Params[i])
	}
	for i := range c.Credentials {
		k.credential(fmt.Sprintf("credentials[%d]", i), d, i)
	}
}

// line checks a line by itself.
func (k *checking) line(path string, l *Line) {
	k.oneOf(path+".direction", l.Direction, "both", "in", "out")
	k.oneOf(path+".value_type", l.ValueType, Plain, RelationalMapping, PythonPlain, PythonRelational)
	k.oneOf(path+".script_mode", l.ScriptMode, "evaluate", "execute")
	k.oneOf(path+".script_phase", l.ScriptPhase, "auto", "before", "after")
	k.oneOf(path+".relation_policy", l.RelationPolicy, "link", "create", "upsert")
	k.oneOf(path+".x2many_mode", l.X2ManyMode, "", "append", "upsert", "sync")
	k.oneOf(path+".relation_output", l.RelationOutput, "", "identifier", "id", "name", "object")
	k.oneOf(path+".null_policy", l.NullPolicy, "write", "skip", "error")
	k.oneOf(path+".options.option_format", l.Options.OptionFormat, "", "name", "id", "object")
	k.oneOf(path+".options.file_format", l.Options.FileFormat, "", "object", "url", "base64")
	k.length(path+".external_key", l.ExternalKey, 0, pathMost)
	k.length(path+".field", l.Field, 0, pathMost)
	k.length(path+".format", l.Format, 0, nameMost)
	python := l.ValueType == PythonPlain || l.ValueType == PythonRelational
	if l.ExternalKey == "" && !(python && l.Direction == "in") {
		k.fail(path+".external_key", fault.Required, "a value is required")
	}
	if python && (l.Script == nil || l.Script.Source == "" && l.Script.Ref == "") {
		k.fail(path+".script", fault.Required, "a value is required")
	}
	if l.ValueType == RelationalMapping && l.MappingConfig == "" {
		k.fail(path+".mapping_config", fault.Required, "a value is required")
	}
	children := l.ValueType == RelationalMapping && l.MappingConfig != "" // they link here
	if l.Field == "" && !children && !(python && l.ScriptMode == "execute") && !(python && l.Direction == "out") {
		k.fail(path+".field", fault.Required, "a value is required")
	}
	if l.Field == ExternalID {
		k.oneOf(path+".value_type", l.ValueType, Plain, PythonPlain)
		k.oneOf(path+".script_phase", l.ScriptPhase, "auto", "before")
	}
	k.valueMap(path+".value_map", l.ValueMap)
	if len(l.Default) > defaultsMost {
		k.fail(path+".default", fault.TooLong, "at most %d bytes", defaultsMost)
	}
}

// valueMap checks the form of a value map.
func (k *checking) valueMap(path string, raw json.RawMessage) {
	if len(raw) == 0 || string(raw) == "null" {
		return
	}
	if len(raw) > defaultsMost {
		k.fail(path, fault.TooLong, "at most %d bytes", defaultsMost)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) == nil {
		return
	}
	var pairs []map[string]json.RawMessage
	if json.Unmarshal(raw, &pairs) != nil {
		k.fail(path, fault.Type, "expected an object, or a list of {external, internal}")
		return
	}
	for i, p := range pairs {
		if len(p) != 2 || p["external"] == nil || p["internal"] == nil {
			k.fail(fmt.Sprintf("%s[%d]", path, i), fault.Type, "expected an object, or a list of {external, internal}")
		}
	}
}

// neverAnswered are headers of answers that are not configured.
var neverAnswered = []string{"host", "content-length", "connection", "transfer-encoding", "set-cookie", "content-type", "trailer", "upgrade"}

func (k *checking) header(path string, d *draft, i int) {
	h := &d.Headers[i]
	k.oneOf(path+".role", h.Role, RequireRole, RespondRole)
	if !httpguts.ValidHeaderFieldName(h.Key) || len(h.Key) > nameMost {
		k.fail(path+".key", fault.InvalidParameter, "expected the name of a header")
	}
	value := h.Value
	if text := d.headers[i].text; text != nil {
		value = *text
	}
	if len(value) > secretMost || !httpguts.ValidHeaderFieldValue(value) {
		k.fail(path+".value", fault.InvalidParameter, "expected the value of a header, at most %d bytes", secretMost)
	}
	if h.Role == RespondRole {
		if slices.Contains(neverAnswered, strings.ToLower(h.Key)) {
			k.fail(path+".key", fault.Forbidden, "the header %s cannot be sent", h.Key)
		}
		k.names(path+".value", h.Value)
		return
	}
	var had Secret
	if d.before != nil {
		if before := byID(d.before.Headers, h.ID, headerID); before != nil {
			had = before.Secret
		}
	}
	if d.headers[i].text == nil && !d.headers[i].missing && (d.headers[i].clear || !had.Set()) && h.Enabled && !informative(h.Key) {
		k.soft(path+".value", fault.Required, "a value is required")
	}
}

// informative tells of a header that is never required.
func informative(key string) bool {
	return slices.Contains([]string{"content-type", "accept", "x-request-id", "x-api-version"}, strings.ToLower(key))
}

// names checks the secrets that a text names.
func (k *checking) names(path, text string) {
	for _, name := range secretNames(text) {
		if _, ok := k.state.Settings.Secrets[name]; !ok {
			k.soft(path, fault.NotFound, "there is no secret %s", name)
		}
	}
}

func (k *checking) param(path string, p *Param) {
	k.length(path+".field", p.Field, 1, nameMost)
	if p.Operator != "" && (domain.OperatorOf(p.Operator) == "" || p.Operator == "=?") {
		k.fail(path+".operator", fault.InvalidParameter, "there is no operator %s", p.Operator)
	}
	k.oneOf(path+".kind", p.Kind, "query", "filter")
	if len(p.Value) > domainMost {
		k.fail(path+".value", fault.TooLong, "at most %d bytes", domainMost)
	}
	k.names(path+".value", string(p.Value))
}

func (k *checking) credential(path string, d *draft, i int) {
	c := &d.Credentials[i]
	k.oneOf(path+".type", c.Type, AuthBasic, AuthBearer, AuthHeader, AuthHMAC)
	k.length(path+".label", c.Label, 1, nameMost)
	for j := range i {
		other := &d.Credentials[j]
		if other.Label == c.Label {
			k.fail(path+".label", fault.Duplicate, "it is there twice")
		}
		if c.Type == AuthBasic && other.Type == AuthBasic && other.Login == c.Login {
			k.fail(path+".login", fault.Duplicate, "it is there twice")
		}
	}
	switch c.Type {
	case AuthBasic:
		k.length(path+".login", c.Login, 1, 128)
		if strings.ContainsFunc(c.Login, func(r rune) bool { return r == ':' || r < ' ' || r == 0x7f }) {
			k.fail(path+".login", fault.InvalidParameter, "a login has no colon and no control characters")
		}
	case AuthHeader:
		if !httpguts.ValidHeaderFieldName(c.Login) {
			k.fail(path+".login", fault.InvalidParameter, "expected the name of a header")
		}
	}
	if text := d.credentials[i].text; text != nil {
		least := quickFrom
		if c.Type == AuthBasic || c.Type == AuthHMAC {
			least = 1
		}
		k.checkSecret(path+".secret", *text, least)
	}
	k.networks(path+".allowed_ips", c.AllowedIPs)
	if c.RateLimitPerHour != nil {
		k.within(path+".rate_limit_per_hour", int64(*c.RateLimitPerHour), 0, rateMost)
	}
	k.set(path+".methods", c.Methods, methods)
}

// lines checks the lines of a config against its model and against each other.
func (k *checking) lines(c *Compiled) {
	at := map[*Line]string{}
	for i := range c.Config.Lines {
		at[&c.Config.Lines[i]] = fmt.Sprintf("lines[%d]", i)
	}
	into, out := map[string]bool{}, map[string]bool{}
	var identifiers []*CompiledLine
	for i, l := range c.Lines {
		path := at[l.Line]
		if path == "" {
			path = "lines_from"
		}
		if l.IsRecordIdentifier {
			identifiers = append(identifiers, l)
			k.identifier(path, c, l)
		}
		if l.In() && (l.Field() != nil && l.Line.Field != "" || l.System == ExternalID) {
			key := fmt.Sprint(fieldNumbers(l), l.System)
			if into[key] {
				k.fail(path+".field", fault.Duplicate, "another line writes this field")
			}
			into[key] = true
		}
		if l.Out() {
			if out[l.ExternalKey] {
				k.fail(path+".external_key", fault.Duplicate, "another line shows this key")
			}
			out[l.ExternalKey] = true
		}
		k.compiled(path, c, l)
		k.fits(path, c.mapping().lines[i])
	}
	switch {
	case len(identifiers) > 1:
		k.soft("lines", fault.TooMany, "only one line can be the record identifier")
	case len(identifiers) == 0 && c.RequestType == Inbound:
		k.soft("lines", fault.Required, "one line must be the record identifier")
	}
	k.needed(c)
}

func fieldNumbers(l *CompiledLine) (nums []int64) {
	for _, f := range l.Path {
		nums = append(nums, int64(f.Num))
	}
	return nums
}

// identifier checks the line of the record identifier.
func (k *checking) identifier(path string, c *Compiled, l *CompiledLine) {
	if l.ValueType != Plain && l.ValueType != PythonPlain {
		k.fail(path+".value_type", fault.InvalidParameter, "expected one of %s", Plain+", "+PythonPlain)
	}
	if l.System == ExternalID && !c.linked() {
		k.fail(path+".field", fault.InvalidParameter, "an identifier that is no field of the model needs the identity %s", ByLink)
	}
	if l.Bad || l.System == ExternalID {
		return
	}
	f := l.Field()
	if len(l.Path) != 1 && l.System != "id" || l.System != "" && l.System != "id" || f != nil && !searchable(f) {
		k.fail(path+".field", fault.InvalidParameter, "the record identifier is a field of the model itself by which it can be searched")
	}
}

func searchable(f *catalog.Field) bool {
	return f.Storage() != catalog.NoStorage && !f.Secret && f.Type.Name() != "file"
}

// compiled checks a line against the model.
func (k *checking) compiled(path string, c *Compiled, l *CompiledLine) {
	if l.Bad {
		if l.MappingConfig != "" && l.Mapping == nil {
			k.soft(path+".mapping_config", fault.NotFound, "there is no config %s", l.MappingConfig)
		} else {
			k.soft(path+".field", fault.NotFound, "there is no field %s", l.Line.Field)
		}
		return
	}
	f := l.Field()
	if l.In() {
		another := l.System == ExternalID && c.linked() && !l.IsRecordIdentifier // than the identifier is
		if l.System != "" && l.System != "active" && l.System != ExternalID && !l.IsRecordIdentifier || another {
			k.fail(path+".field", fault.FieldReadonly, "the field is read-only: direction out is possible")
		}
		if len(l.Path) > 1 {
			k.fail(path+".field", fault.FieldReadonly, "fields of linked records are written by a mapping config: direction out is possible")
		}
	}
	relational := l.ValueType == RelationalMapping || l.ValueType == PythonRelational
	if relational && f != nil && !f.HoldsLinks() && !f.HoldsEmployees() {
		k.soft(path+".value_type", fault.Type, "the field %s links no records", l.Line.Field)
		return
	}
	if l.Mapping != nil && l.Mapping.Catalog != nil {
		k.mapping(path, c, l)
	}
}

// mapping checks the config that a line maps related records with.
func (k *checking) mapping(path string, c *Compiled, l *CompiledLine) {
	if l.In() {
		if deep, cyclic := l.Mapping.depth(map[*Compiled]bool{c: true}, 1); cyclic || deep > maxMappings {
			k.fail(path+".mapping_config", fault.TooMany, "mapping configs nest at most %d deep and not in a circle", maxMappings)
		}
	}
}

// fits checks what requests read of a line.
func (k *checking) fits(path string, l *mapLine) {
	at := path + "." + l.at
	switch {
	case l.why.Format == "" || l.at == "" || k.failed(at):
	case l.at == childFieldOption:
		k.soft(at, fault.NotFound, "%s", l.why)
	case l.at == "mapping_config":
		k.soft(at, fault.Type, "%s", l.why)
	default:
		k.fail(at, fault.InvalidParameter, "%s", l.why)
	}
}

// depth is how deep the mappings of what is written nest, and whether in a circle.
func (c *Compiled) depth(above map[*Compiled]bool, level int) (deep int, cyclic bool) {
	if above[c] || level > maxMappings {
		return level, above[c]
	}
	above[c] = true
	defer delete(above, c)
	deep = level
	for _, l := range c.Lines {
		if l.Mapping == nil || !l.In() {
			continue
		}
		d, round := l.Mapping.depth(above, level+1)
		deep, cyclic = max(deep, d), cyclic || round
	}
	return deep, cyclic
}

// needed warns of required fields that nothing writes.
func (k *checking) needed(c *Compiled) {
	if c.RequestType != Inbound || !slices.Contains(c.Methods, "POST") {
		return
	}
	for _, f := range c.Catalog.Fields {
		writes := func(l *CompiledLine) bool { return l.In() && len(l.Path) > 0 && l.Path[0] == f }
		if f.Required && !f.Config.Default && f.Scripted() && !slices.ContainsFunc(c.Lines, writes) {
			k.warn("lines", fault.Required, "the field %s is required, and no line writes it", f.Name)
		}
	}
}

// compile has Python look at the scripts.
func (k *checking) compile(ctx context.Context, c *Config) error {
	for _, one := range c.scripts() {
		if one.script.Ref != "" {
			if n := k.state.Scripts[one.script.Ref]; n == nil || n.Kind != "snippet" {
				k.soft(one.path, fault.NotFound, "there is no script %s", one.script.Ref)
			}
			continue
		}
		if err := k.source(ctx, one.path, one.script.Source, one.mode); err != nil {
			return err
		}
	}
	return nil
}

// source checks one source. Where no scripts can run it is left to the first run.
func (k *checking) source(ctx context.Context, path, source, mode string) error {
	if len(source) > script.SourceMax {
		k.fail(path, fault.TooLong, "at most %d bytes", script.SourceMax)
		return nil
	}
	if mode != "evaluate" && mode != "execute" || k.service.options.Scripts == nil {
		return nil
	}
	checked, err := k.service.CheckScript(ctx, source, mode)
	var known *fault.Error
	switch {
	case fault.Is(err, fault.ScriptsUnavailable):
		k.warn(path, fault.ScriptsUnavailable, "scripts cannot run here, so it was not checked")
		return nil
	case errors.As(err, &known):
		k.fail(path, known.Code, "%s", known.Message)
		return nil
	case err != nil:
		return err
	}
	for _, p := range checked.Errors {
		k.fail(path, fault.InvalidParameter, "line %d, column %d: %s", p.Line, p.Column, p.Message)
	}
	return nil
}

// CheckScript compiles a source without running it.
func (s *Service) CheckScript(ctx context.Context, source, mode string) (*script.Checked, error) {
	if s.options.Scripts == nil {
		return nil, fault.New(fault.ScriptsUnavailable, "scripts cannot run here: %s", fault.Msg("they need Linux on amd64 or arm64"))
	}
	of := script.Evaluate
	if mode == "execute" {
		of = script.Execute
	}
	return s.options.Scripts.Check(ctx, strconv.FormatInt(s.options.Company, 10), "script", source, of)
}

// script checks a named script.
func (k *checking) script(ctx context.Context, n *NamedScript, fresh bool) error {
	k.code("code", n.Code)
	k.length("name", n.Name, 1, nameMost)
	k.oneOf("kind", n.Kind, "snippet", "library", "action")
	if n.Code == ManualCode || fresh && k.state.Scripts[n.Code] != nil {
		k.fail("code", fault.Duplicate, "the code is taken")
	}
	if fresh && len(k.state.Scripts) >= resourcesMost {
		k.fail("", fault.TooMany, "at most %d entries are possible", resourcesMost)
	}
	if n.BindModel != "" && modelOf(k.state.Structure, k.state.Settings, n.BindModel) == nil {
		k.fail("bind_model", fault.NotFound, "there is no catalog %s", n.BindModel)
	}
	if len(bytes.TrimSpace([]byte(n.Source))) == 0 {
		k.fail("source", fault.Required, "a value is required")
		return nil
	}
	return k.source(ctx, "source", n.Source, "execute")
}
