package apisync

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// The states of a config's health.
const (
	HealthOK      = "ok"
	HealthInvalid = "invalid"
	HealthDrift   = "schema_drift"
)

// View gives the configuration of now to who may read it: operators and administrators.
func (s *Service) View(ctx context.Context, a catalog.Actor) (*State, error) {
	if err := s.Need(ctx, a, Operator); err != nil {
		return nil, err
	}
	return s.Current(ctx)
}

// ShownConfigs gives configs as the admin API shows them, with their health.
func (s *Service) ShownConfigs(ctx context.Context, st *State, codes ...string) ([]*Config, error) {
	people := make([]query.Record, 0, len(codes))
	for _, code := range codes {
		c := st.Configs[code]
		if c == nil {
			return nil, noResource()
		}
		if c.RunAs > 0 && !slices.Contains(people, c.RunAs) {
			people = append(people, c.RunAs)
		}
	}
	standing, err := s.options.Catalog.Standing(ctx, people)
	if err != nil {
		return nil, err
	}
	used, err := s.lastUses(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]*Config, len(codes))
	for i, code := range codes {
		list[i] = st.Configs[code].shown(nil)
		list[i].health(st.Compiled(code), standing)
		list[i].usedAt(used)
	}
	return list, nil
}

// health tells what keeps a config from working.
func (c *Config) health(compiled *Compiled, standing map[query.Record]bool) {
	c.Health, c.HealthDetails = HealthOK, []string{}
	for _, p := range compiled.Problems {
		c.Health = HealthDrift
		c.HealthDetails = append(c.HealthDetails, p.Text)
	}
	if _, there := standing[c.RunAs]; !there && c.RequestType == Inbound {
		c.Health = HealthInvalid
		c.HealthDetails = append(c.HealthDetails, "the employee of run_as is not there")
	}
}

// Listed is one entry of a list to be found and sorted.
type Listed struct {
	Code, Name, Text string
	Created, Updated int64
}

// ConfigCodes gives the codes of a part of the configs, and how many there are.
func (s *State) ConfigCodes(p Page) (codes []string, total int, err error) {
	var all []Listed
	for code, c := range s.Configs {
		all = append(all, Listed{code, c.Name, c.Endpoint.Endpoint + " " + c.Model, c.CreatedAt.UnixMilli(), c.UpdatedAt.UnixMilli()})
	}
	return paged(all, p)
}

// ScriptCodes is ConfigCodes for named scripts.
func (s *State) ScriptCodes(p Page) (codes []string, total int, err error) {
	var all []Listed
	for code, n := range s.Scripts {
		all = append(all, Listed{code, n.Name, "", n.CreatedAt.UnixMilli(), n.UpdatedAt.UnixMilli()})
	}
	return paged(all, p)
}

func paged(all []Listed, p Page) (codes []string, total int, err error) {
	by, down := strings.CutPrefix(p.Order, "-")
	if name, ok := strings.CutSuffix(by, " desc"); ok {
		by, down = name, true
	}
	by = strings.TrimSuffix(by, " asc")
	compare := map[string]func(a, b Listed) int{
		"":           func(Listed, Listed) int { return 0 },
		"code":       func(Listed, Listed) int { return 0 },
		"name":       func(a, b Listed) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) },
		"created_at": func(a, b Listed) int { return cmp.Compare(a.Created, b.Created) },
		"updated_at": func(a, b Listed) int { return cmp.Compare(a.Updated, b.Updated) },
	}[by]
	if compare == nil {
		return nil, 0, fault.New(fault.InvalidParameter, "order: %s", fault.Msg("expected one of %s", "code, name, created_at, updated_at"))
	}
	q := strings.ToLower(p.Q)
	all = slices.DeleteFunc(all, func(l Listed) bool { return !strings.Contains(strings.ToLower(l.Code+" "+l.Name+" "+l.Text), q) })
	slices.SortFunc(all, func(a, b Listed) int {
		n := cmp.Or(compare(a, b), strings.Compare(a.Code, b.Code))
		if down {
			return -n
		}
		return n
	})
	total = len(all)
	from := min(p.Offset, total)
	for _, l := range all[from:min(from+p.Limit, total)] {
		codes = append(codes, l.Code)
	}
	return codes, total, nil
}

// Status counts what is configured.
type Status struct {
	Configs   int      `json:"configs"`
	Active    int      `json:"active"`
	Endpoints int      `json:"endpoints"`
	Scripts   int      `json:"scripts"`
	Unhealthy []string `json:"unhealthy"` // codes of active configs that do not work
	Warnings  []string `json:"warnings"`
}

// Status tells how the module does.
func (s *Service) Status(ctx context.Context, st *State) (*Status, error) {
	out := &Status{Configs: len(st.Configs), Endpoints: len(st.endpoints), Scripts: len(st.Scripts), Unhealthy: []string{}, Warnings: []string{}}
	list, err := s.ShownConfigs(ctx, st, sortedKeys(st.Configs)...)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if c.Active {
			out.Active++
		}
		if c.Active && c.Health != HealthOK {
			out.Unhealthy = append(out.Unhealthy, c.Code)
		}
	}
	if n := s.oldKeys(st); n > 0 {
		out.Warnings = append(out.Warnings, "some secrets are sealed with a key that is not the newest, or not there: kartoteka sync reseal seals them with the newest")
	}
	return out, nil
}

// oldKeys counts the secrets that the newest key has not sealed.
func (s *Service) oldKeys(st *State) (n int) {
	count := func(sec Secret) {
		if sec.Sealed != "" && !s.options.Sealer.Current(sec.Sealed) {
			n++
		}
	}
	for _, sec := range st.Settings.Secrets {
		count(sec)
	}
	for _, c := range st.Configs {
		for i := range c.Credentials {
			count(c.Credentials[i].Secret)
			count(c.Credentials[i].Old)
		}
	}
	return n
}

// Model is a catalog that configs may be about.
type Model struct {
	Model string `json:"model"`
	Name  string `json:"name"`
}

// Models lists them, by name.
func (s *State) Models(q string, limit int) (list []Model, total int) {
	q = strings.ToLower(q)
	list = []Model{}
	for _, c := range s.Structure.Catalogs {
		if !slices.Contains(forbiddenModels, c.Key) && strings.Contains(strings.ToLower(c.Key+" "+c.Name), q) {
			list = append(list, Model{c.Key, c.Name})
		}
	}
	slices.SortFunc(list, func(a, b Model) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Model, b.Model))
	})
	return list[:min(limit, len(list))], len(list)
}

// ModelField is a field that lines may name.
type ModelField struct {
	Field     string   `json:"field"`
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	Required  bool     `json:"required"`
	Readonly  bool     `json:"readonly"`
	Relation  []string `json:"relation"`  // models; empty for none
	Selection []string `json:"selection"` // names of options
	Store     bool     `json:"store"`
}

var systemTypes = map[string]string{
	"id": "integer", "display_name": "text", "create_date": "datetime", "write_date": "datetime", "create_uid": "user", "write_uid": "user",
	"active": "switch",
}

// Fields lists those of a model; NotFound if there is no such model.
func (s *State) Fields(model, q string, limit int) (list []ModelField, total int, err error) {
	c := modelOf(s.Structure, s.Settings, model)
	if c == nil {
		return nil, 0, noResource()
	}
	q = strings.ToLower(q)
	list = []ModelField{}
	add := func(f ModelField) {
		if strings.Contains(strings.ToLower(f.Field+" "+f.Name), q) {
			list = append(list, f)
		}
	}
	for _, f := range c.Fields {
		if !f.Scripted() {
			continue
		}
		out := ModelField{Field: f.Key, Name: f.Name, Type: f.Type.Name(), Required: f.Required, Relation: []string{}, Selection: []string{}, Store: true}
		for _, from := range f.Config.Sources {
			if linked := s.Structure.Catalog(from.Catalog); linked != nil {
				out.Relation = append(out.Relation, linked.Key)
			}
		}
		for _, item := range f.Config.Items {
			out.Selection = append(out.Selection, item.Name)
		}
		add(out)
	}
	for _, name := range systemFields {
		add(ModelField{Field: name, Name: name, Type: systemTypes[name], Readonly: name != "active", Relation: []string{}, Selection: []string{}, Store: true})
	}
	return list[:min(limit, len(list))], len(list), nil
}
