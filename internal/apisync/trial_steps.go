package apisync

import (
	"context"
	"net/http"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

// validation looks at the rules of a config as if it were active.
func (t *trial) validation(ctx context.Context, a catalog.Actor, st *State, code string) (ok bool, message, hint fault.Message) {
	k := &checking{}
	_, checked, err := t.service.draftConfig(ctx, a, st, code, nil, func(before Doc) (Doc, error) {
		before["active"] = true
		return before, nil
	})
	if err := details(err, k); err != nil {
		return false, reasonOf(err), hint
	}
	if len(k.errors) > 0 {
		first := k.errors[0]
		return false, fault.Msg("%d faults; the first one is %s: %s", len(k.errors), first.Path, first.Message), fault.Msg("the validation of this config tells all of them")
	}
	if checked != nil && len(checked.warnings) > 0 {
		return true, fault.Msg("%d warnings; the first one is %s: %s", len(checked.warnings), checked.warnings[0].Path, checked.warnings[0].Message), hint
	}
	return true, message, hint
}

// model looks whether the model and the fields are there.
func (t *trial) model(c *Compiled) (ok bool, message, hint fault.Message) {
	if len(c.Problems) > 0 {
		return false, fault.Msg("%d lines do not fit the model any more: %s", len(c.Problems), c.Problems[0].Text),
			fault.Msg("bring the fields back, or change the lines")
	}
	return true, fault.Msg("the catalog %q, %d lines", c.Catalog.Name, len(c.Lines)), hint
}

// rights asks for each method whether the config's employee may do what it does. It tells
// whether the employee comes to the catalog at all.
func (t *trial) rights(ctx context.Context, c *Compiled) (there bool) {
	a := catalog.Actor{Employee: c.RunAs, Origin: "sync"}
	hint := fault.Msg("give employee %d of run_as rights on the catalog, or choose another employee", int64(c.RunAs))
	var access *catalog.Access
	ok := t.step("run_as", func() (bool, fault.Message, fault.Message) {
		err := t.service.options.Catalog.Request(ctx, a, c.Catalog.Key, func(_ catalog.Actor, sc *catalog.Scope) error {
			access = sc.Access
			return nil
		})
		if err != nil {
			return false, reasonOf(err), hint
		}
		return true, fault.Message{}, fault.Message{}
	})
	if !ok {
		return false
	}
	for _, method := range c.Methods {
		t.step("rights "+method, func() (bool, fault.Message, fault.Message) {
			if may(access, c, method) {
				return true, fault.Message{}, fault.Message{}
			}
			return false, fault.Msg("employee %d of run_as may not do this to all records of the catalog; rules may open single ones", int64(c.RunAs)), hint
		})
	}
	t.step("rights of fields", func() (bool, fault.Message, fault.Message) {
		if keys := closed(access, c); len(keys) > 0 {
			return false, fault.Msg("employee %d of run_as does not see these fields, or may not change them: %s", int64(c.RunAs), strings.Join(keys, ", ")), hint
		}
		return true, fault.Message{}, fault.Message{}
	})
	return true
}

// may tells whether a privilege on the whole catalog is enough for a method.
func may(access *catalog.Access, c *Compiled, method string) bool {
	p := access.Catalog(c.Catalog)
	switch method {
	case http.MethodGet:
		return p >= catalog.ViewPrivilege
	case http.MethodPost:
		return access.Creates(c.Catalog)
	case http.MethodDelete:
		if c.DeleteMode != "archive" {
			return p >= catalog.DeletePrivilege
		}
	}
	return p >= catalog.EditPrivilege && (!c.PutUpsert || method != http.MethodPut || access.Creates(c.Catalog))
}

// closed are the keys whose lines the employee's rights on fields make useless.
func closed(access *catalog.Access, c *Compiled) (keys []string) {
	writes := c.allows(http.MethodPost) || c.allows(http.MethodPut) || c.allows(http.MethodPatch)
	for _, l := range c.Lines {
		if len(l.Path) != 1 || l.System != "" {
			continue
		}
		f := l.Field()
		if l.Out() && !access.Shown(f) || l.In() && writes && access.Field(f) < catalog.EditField {
			keys = append(keys, l.ExternalKey)
		}
	}
	return keys
}

// request asks for a list of one record as a caller does.
func (t *trial) request(ctx context.Context, c *Compiled) (ok bool, message, hint fault.Message) {
	reply, err := t.service.Do(ctx, &Call{
		Config: c, Actor: catalog.Actor{Employee: c.RunAs, Origin: "sync"}, Method: http.MethodGet, Query: []Pair{{Key: "limit", Value: "1"}},
	})
	if err != nil {
		return false, reasonOf(err), fault.Msg("the log tells more, with the same request to the endpoint")
	}
	if len(reply.Items) == 0 {
		return true, fault.Msg("the list is empty"), hint
	}
	return true, fault.Msg("the first record is %s", reply.Items[0].ID.Text()), hint
}
