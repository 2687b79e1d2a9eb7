package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/job"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// Scripts is the catalog of scenarios, Events that of their subscriptions, and
// WebRequests that of their addresses.
const (
	Scripts     query.Catalog = 6
	Events      query.Catalog = 7
	WebRequests query.Catalog = 10
)

// Fields of scenarios and of what starts them.
const (
	eventsKey       = "$events"
	webRequestsKey  = "$webRequests"
	webCodeKey      = "$url"
	scriptSourceKey = "$source"
	startStatusKey  = "$status"
	startScriptKey  = "$script"
)

// scenarioOrigin is the origin of what scenarios write.
const scenarioOrigin = "scenario"

// scenarioKinds are the events that a scenario's subscription may name.
var scenarioKinds = map[string]HookEvent{
	"$record.after.create": AfterCreate, "$record.after.update": AfterUpdate, "$record.after.delete": AfterDelete,
	"$record.before.create": BeforeCreate, "$record.before.update": BeforeUpdate, "$record.before.delete": BeforeDelete,
	"$record.updating": WhileEditing, string(Scheduled): Scheduled,
}

// ScenarioKind is what scenarios call an event.
func ScenarioKind(e HookEvent) string {
	for name, kind := range scenarioKinds {
		if kind == e {
			return name
		}
	}
	return ""
}

// addScenario adds the subscription of a scenario of a row if it is on.
func (st *Structure) addScenario(page *Page, row int) {
	h := &Hook{Record: page.Record(row)}
	status := ""
	for j, f := range page.Columns {
		v := CellValue(f, page, page.Cell(row, j))
		links, _ := v.(Links)
		switch f.Key {
		case startStatusKey:
			status = itemKey(f, v)
		case hookCatalogKey:
			if len(links) > 0 {
				h.Catalog = query.Catalog(links[0].Record)
			}
		case startScriptKey:
			if len(links) > 0 {
				h.Script = links[0].Record
			}
		case hookEventsKey:
			items, _ := v.(Items)
			for _, n := range items {
				h.Events = append(h.Events, scenarioKinds[itemKey(f, Items{n})])
			}
		}
	}
	if status != hookOn || h.Script == 0 {
		return
	}
	h.watch(st, page, row)
	st.scenarios = append(st.scenarios, h)
	st.hookedCatalogs[h.Catalog] = append(st.hookedCatalogs[h.Catalog], h)
}

// Scenario is a scenario as it is stored now.
type Scenario struct {
	Script  query.Record
	Name    string
	Version int64  // of the record
	Text    string // "" when there is nothing to be run
}

// Scenario reads a scenario; its Text is "" when it is gone.
func (s *Service) Scenario(ctx context.Context, n query.Record) (Scenario, error) {
	found := Scenario{Script: n}
	err := s.view(ctx, func(st *Structure, r Reader) error {
		c := st.Catalog(Scripts)
		page, err := r.Rows(ctx, c, []*Field{c.FieldByKey(nameKey), c.FieldByKey(scriptSourceKey)}, []query.Record{n})
		if err != nil || page.Len() == 0 {
			return err
		}
		title, _ := CellValue(page.Columns[0], page, page.Cell(0, 0)).(Text)
		source, _ := CellValue(page.Columns[1], page, page.Cell(0, 1)).(Text)
		found.Name, found.Text, found.Version = string(title), string(source), page.Version(0)
		if blank(found.Text) {
			found.Text = ""
		}
		return nil
	})
	if err != nil {
		return found, fmt.Errorf("read a scenario: %w", err)
	}
	return found, nil
}

// ScenarioActor is who a scenario is that was set off by a write of that depth. A
// scenario that others wait for to write asks nobody about what it writes itself.
func ScenarioActor(depth int, asked bool) Actor {
	return Actor{System: true, Origin: scenarioOrigin, Depth: depth + 1, Asked: asked}
}

// SourceProblem is a place in a source that cannot be compiled; both numbers begin
// with 1.
type SourceProblem struct {
	Line, Column int
	Message      string
}

// starts tells whether the catalog's records start scenarios.
func (c *Catalog) starts() bool { return c.Num == Events || c.Num == WebRequests }

// checkStart makes sure that what is on has a scenario that can be run: one without
// a source, such as a drawing of another program, would refuse every write.
func (p *planner) checkStart(ctx context.Context, s *step) ([]fault.Detail, error) {
	c := s.subject.catalog
	if !c.starts() || len(s.changes) == 0 {
		return nil, nil
	}
	status := c.FieldByKey(startStatusKey)
	if itemKey(status, s.result(status)) != hookOn {
		return nil, nil
	}
	f := c.FieldByKey(startScriptKey)
	links, _ := s.result(f).(Links)
	if len(links) > 0 {
		has, err := p.hasSource(ctx, links[0].Record)
		if has || err != nil {
			return nil, err
		}
	}
	return []fault.Detail{*failed(f, fault.Required, "%s: what is on needs a scenario with a source", f.Name)}, nil
}

// hasSource tells whether a scenario has a source, counting what earlier steps did.
func (p *planner) hasSource(ctx context.Context, n query.Record) (bool, error) {
	c := p.st.Catalog(Scripts)
	f := c.FieldByKey(scriptSourceKey)
	if sub := p.subjects[query.MakeRef(Scripts, n)]; sub != nil {
		if sub.fresh || slices.ContainsFunc(sub.changed, func(v FieldValue) bool { return v.Field == f.Num }) {
			return !empty(sub.value(f)), nil
		}
	}
	page, err := p.r.Rows(ctx, c, []*Field{f}, []query.Record{n})
	if err != nil {
		return false, fmt.Errorf("read a scenario: %w", err)
	}
	return page.Len() == 1 && !empty(CellValue(f, page, page.Cell(0, 0))), nil
}

// compile makes sure that the sources which are written can be compiled. No
// transaction is open.
func (p *planner) compile(ctx context.Context, ops int) error {
	if p.s.options.CheckSource == nil {
		return nil
	}
	for _, s := range p.steps {
		if s.subject.catalog.Num != Scripts || s.kind == deleteStep {
			continue
		}
		for _, c := range s.changes {
			source, _ := c.new.(Text)
			if c.field.Key != scriptSourceKey || blank(string(source)) {
				continue
			}
			problems, err := p.s.options.CheckSource(ctx, string(source))
			if err != nil {
				return err
			}
			if len(problems) == 0 {
				continue
			}
			first := problems[0]
			detail := failed(c.field, fault.Type, "%s: line %d, column %d: %s", c.field.Name, first.Line, first.Column, first.Message)
			p.op = s.op
			return p.at(fault.Invalid(outward(s.through, *detail)), ops)
		}
	}
	return nil
}

// WebRequest is an address that starts a scenario and is on.
type WebRequest struct {
	Record, Script query.Record
	code           string // folded
}

// addWebRequest adds the address of a row if it is on.
func (st *Structure) addWebRequest(page *Page, row int) {
	w := &WebRequest{Record: page.Record(row)}
	status := ""
	for j, f := range page.Columns {
		v := CellValue(f, page, page.Cell(row, j))
		switch f.Key {
		case startStatusKey:
			status = itemKey(f, v)
		case webCodeKey:
			code, _ := v.(Text)
			w.code = text.Fold(string(code))
		case startScriptKey:
			if links, _ := v.(Links); len(links) > 0 {
				w.Script = links[0].Record
			}
		}
	}
	if status == hookOn && w.Script != 0 && w.code != "" {
		st.webRequests[w.code] = w
	}
}

// WebRequest finds the address that a path is at or below, the longest one; nil when
// there is none that is on.
func (s *Service) WebRequest(ctx context.Context, path string) (*WebRequest, error) {
	st, err := s.fresh(ctx)
	if err != nil {
		return nil, err
	}
	for code := text.Fold(path); code != ""; {
		if w := st.webRequests[code]; w != nil {
			return w, nil
		}
		code = code[:max(strings.LastIndexByte(code, '/'), 0)]
	}
	return nil, nil
}

// StartLater adds jobs in a transaction of their own.
func (s *Service) StartLater(ctx context.Context, jobs []job.Job) error {
	return s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) error { return w.AddJobs(ctx, jobs) })
}

// WebRequestOf finds an address by its record, nil when it is not on.
func (s *Service) WebRequestOf(ctx context.Context, n query.Record) (*WebRequest, error) {
	st, err := s.fresh(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range st.webRequests {
		if w.Record == n {
			return w, nil
		}
	}
	return nil, nil
}
