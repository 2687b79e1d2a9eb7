package apisync

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query/tree"
)

// ExportAsk says what to export; the zero value is everything.
type ExportAsk struct {
	Configs []string // codes; nil for all
	Parts   []string // connections, scripts, settings, configs; nil for all
	JSON    bool
}

// exportOrder are the attributes of the file's objects that are not exported.
var (
	configOnly = []string{"id", "health", "health_details", "created_at", "updated_at", "version"}
	childOnly  = []string{"id", "last_used_at", "old_until"}
)

// Export gives the configuration as one file. In place of secrets it has names.
func (s *Service) Export(ctx context.Context, a catalog.Actor, ask ExportAsk) ([]byte, error) {
	if err := s.Need(ctx, a, Administrator); err != nil {
		return nil, err
	}
	st, err := s.Current(ctx)
	if err != nil {
		return nil, err
	}
	for i, code := range ask.Configs {
		if st.Configs[code] == nil {
			return nil, fault.Invalid([]fault.Detail{fault.At(fmt.Sprintf("configs[%d]", i), fault.NotFound, "there is no config %s", code)})
		}
	}
	wants := func(part string) bool { return ask.Parts == nil || slices.Contains(ask.Parts, part) }
	fields := []tree.Field{{Key: "version", Value: treeOf(1)}}
	if wants("settings") {
		fields = append(fields, tree.Field{Key: "settings", Value: exportSettings(st.Settings)})
	}
	var scripts, configs []tree.Value
	for _, code := range sortedKeys(st.Scripts) {
		if wants("scripts") {
			scripts = append(scripts, without(treeOf(st.Scripts[code]), tree.Value{}, configOnly))
		}
	}
	for _, code := range sortedKeys(st.Configs) {
		if ask.Configs == nil || slices.Contains(ask.Configs, code) {
			configs = append(configs, exportConfig(st.Configs[code]))
		}
	}
	if wants("scripts") {
		fields = append(fields, tree.Field{Key: "scripts", Value: tree.NewList(scripts)})
	}
	fields = append(fields, tree.Field{Key: "configs", Value: tree.NewList(configs)})
	return writeExport(tree.NewObject(fields), ask.JSON)
}

func writeExport(v tree.Value, asJSON bool) ([]byte, error) {
	if !asJSON {
		return writeYAML(v)
	}
	var out []byte
	text, err := json.MarshalIndent(json.RawMessage(v.AppendJSON(nil)), "", "  ")
	if err == nil {
		out = append(text, '\n')
	}
	return out, err
}

// treeOf is a value of ours as JSON in the order of its fields.
func treeOf(v any) tree.Value {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("a resource that is no JSON: %w", err)) // it was read from JSON
	}
	out, err := tree.ParseJSON(data, tree.Limits{})
	if err != nil {
		panic(fmt.Errorf("a resource that is no JSON: %w", err))
	}
	return out
}

// without is an object without some members, nulls, and those that are as in defaults.
func without(v, defaults tree.Value, drop []string) tree.Value {
	var fields []tree.Field
	for _, f := range v.Fields() {
		like, same := defaults.Get(f.Key)
		same = same && string(like.AppendJSON(nil)) == string(f.Value.AppendJSON(nil))
		if !same && !f.Value.IsNull() && !slices.Contains(drop, f.Key) {
			fields = append(fields, f)
		}
	}
	return tree.NewObject(fields)
}

func exportSettings(s *Settings) tree.Value {
	named := map[string]string{}
	for name := range s.Secrets {
		named[name] = "${secret:" + name + "}"
	}
	return replace(without(treeOf(s.shown()), tree.Value{}, configOnly), map[string]tree.Value{"secrets": treeOf(named)})
}

// replace is an object with other values of some members.
func replace(v tree.Value, by map[string]tree.Value) tree.Value {
	fields := slices.Clone(v.Fields())
	for i := range fields {
		if other, ok := by[fields[i].Key]; ok {
			fields[i].Value = other
		}
	}
	return tree.NewObject(fields)
}

var noName = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// secretName names a secret of a config in a file.
func secretName(code, of string) string {
	return "${secret:" + code + "." + strings.Trim(noName.ReplaceAllString(of, "-"), "-") + "}"
}

func exportConfig(c *Config) tree.Value {
	shown := c.shown(nil)
	drop := configOnly
	if c.LinkGroup == c.Code {
		drop = append(slices.Clone(drop), "link_group")
	}
	defaults := tree.Value{}
	if c.RequestType == Mapping {
		defaults = treeOf(newConfig().Endpoint)
	}
	line, enabled := treeOf(newLine()), treeOf(map[string]any{"enabled": true})
	lines, last := make([]tree.Value, len(c.Lines)), 0
	for i, l := range c.Lines {
		own := childOnly
		if l.Sequence == last+10 {
			own = append(slices.Clone(own), "sequence")
		}
		last = l.Sequence
		lines[i] = without(treeOf(l), line, own)
	}
	headers := make([]tree.Value, len(c.Headers))
	for i := range shown.Headers {
		h := shown.Headers[i]
		if h.Role == RequireRole {
			h.Value, h.Secret = secretName(c.Code, h.Key), Secret{}
		}
		headers[i] = without(treeOf(h), enabled, childOnly)
	}
	params := make([]tree.Value, len(c.Params))
	for i, p := range c.Params {
		params[i] = without(treeOf(p), enabled, childOnly)
	}
	credentials := make([]tree.Value, len(c.Credentials))
	for i, cr := range shown.Credentials {
		one := replace(treeOf(cr), map[string]tree.Value{"secret": tree.NewString(secretName(c.Code, cr.Label))})
		credentials[i] = without(one, enabled, childOnly)
	}
	return replace(without(treeOf(shown), defaults, drop), map[string]tree.Value{
		"lines": tree.NewList(lines), "headers": tree.NewList(headers), "params": tree.NewList(params), "credentials": tree.NewList(credentials),
	})
}
