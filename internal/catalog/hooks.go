package catalog

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Webhooks is the catalog of the subscriptions to events.
const Webhooks query.Catalog = 5

// Fields of a subscription.
const (
	hooksKey          = "$webhooks"
	hookStatusKey     = "$status"
	hookCatalogKey    = "$catalog"
	hookEventsKey     = "$events"
	hookFieldsKey     = "$fields"
	hookURLKey        = "$url"
	hookInitiatorKey  = "$initiator"
	hookSecretKey     = "$secret"
	hookSequenceKey   = "$sequenceId"
	hookRetryKey      = "$retry"
	hookSigningKey    = "$signing"
	hookStateKey      = "$state"
	hookOn            = "$on"
	hookPaused        = "$paused"
	hookRetryStandard = "$standard"
)

// hookOrigin is the origin of what the server writes of subscriptions.
const hookOrigin = "hook"

// HookEvent is a kind of event that a subscription may name.
type HookEvent string

// The events.
const (
	AfterCreate  HookEvent = "record.created"
	AfterUpdate  HookEvent = "record.updated"
	AfterDelete  HookEvent = "record.deleted"
	BeforeCreate HookEvent = "record.before.created"
	BeforeUpdate HookEvent = "record.before.updated"
	BeforeDelete HookEvent = "record.before.deleted"
	WhileEditing HookEvent = "record.updating"
	// Scheduled is a time of a scenario's schedule.
	Scheduled HookEvent = "$schedule"
)

// Hook is a subscription that is on, of a webhook or of a scenario. It is immutable,
// and as old as the Structure that it is part of.
type Hook struct {
	Record  query.Record // in the catalog of subscriptions
	Script  query.Record // the scenario, 0 for a webhook
	Catalog query.Catalog
	Events  []HookEvent
	URL     string
	Secret  string
	// Signing are the secrets of the standard's signatures; see hook.
	Signing []string
	// Retries says that a failed delivery is tried again.
	Retries bool
	// fields are what it watches: with watches set a change of one of them only.
	watches    bool
	fields     []query.Field
	initiators []query.Record // whom it watches; none for everybody
}

// hooksMost bounds the subscriptions that act: those with the lowest numbers.
const hooksMost = 10_000

// hookSecretsMost bounds the secrets of a subscription that sign.
const hookSecretsMost = 3

// Hook finds a subscription by its record, nil when there is none that is on.
func (st *Structure) Hook(n query.Record) *Hook { return byRecord(st.hooks, n) }

// Scenario finds a scenario's subscription likewise.
func (st *Structure) Scenario(n query.Record) *Hook { return byRecord(st.scenarios, n) }

func byRecord(list []*Hook, n query.Record) *Hook {
	i, found := slices.BinarySearchFunc(list, n, func(h *Hook, n query.Record) int { return int(h.Record - n) })
	if !found {
		return nil
	}
	return list[i]
}

// hooksOf lists the subscriptions to an event of a catalog, webhooks first.
func (st *Structure) hooksOf(c query.Catalog, e HookEvent) (list []*Hook) {
	for _, h := range st.hookedCatalogs[c] {
		if slices.Contains(h.Events, e) {
			list = append(list, h)
		}
	}
	return list
}

// HasHooks tells whether any subscription is on.
func (st *Structure) HasHooks() bool { return len(st.hooks)+len(st.scenarios) > 0 }

// readHooks reads the subscriptions of a structure that nobody uses yet. It fails
// with ErrStale when the company has another structure by now.
func (s *Service) readHooks(ctx context.Context, st *Structure) error {
	if c := st.Catalog(Webhooks); c == nil || c.Key != hooksKey {
		return nil // no system catalogs
	}
	err := s.store.View(ctx, st.Version, func(r Reader) error {
		st.hooks, st.scenarios, st.hookedCatalogs = nil, nil, map[query.Catalog][]*Hook{}
		err := st.eachRow(ctx, r, Webhooks, hooksKey, func(page *Page, row int) bool {
			st.addHook(page, row)
			return len(st.hooks) < hooksMost
		})
		if err != nil {
			return err
		}
		err = st.eachRow(ctx, r, Events, eventsKey, func(page *Page, row int) bool {
			st.addScenario(page, row)
			return len(st.scenarios) < hooksMost
		})
		if err != nil {
			return err
		}
		st.webRequests = map[string]*WebRequest{}
		return st.eachRow(ctx, r, WebRequests, webRequestsKey, func(page *Page, row int) bool {
			st.addWebRequest(page, row)
			return len(st.webRequests) < hooksMost
		})
	})
	if err != nil && !errors.Is(err, ErrStale) {
		return fmt.Errorf("read the subscriptions: %w", err)
	}
	return err
}

// eachRow calls add for the records of a system catalog as long as it wants more.
func (st *Structure) eachRow(ctx context.Context, r Reader, n query.Catalog, key string, add func(page *Page, row int) bool) error {
	c := st.Catalog(n)
	if c == nil || c.Key != key {
		return nil
	}
	columns := systemColumns(c)
	for after := query.Record(0); ; {
		page, err := r.Scan(ctx, c, columns, after, scanRows)
		if err != nil {
			return err
		}
		for i := range page.Len() {
			after = page.Record(i)
			if !add(page, i) {
				return nil
			}
		}
		if page.Len() < scanRows {
			return nil
		}
	}
}

// systemColumns are the system's own fields of a catalog that have values.
func systemColumns(c *Catalog) (list []*Field) {
	for _, f := range c.Fields {
		if f.System && f.Storage() != NoStorage {
			list = append(list, f)
		}
	}
	return list
}

// addHook adds the subscription of a row if it is on.
func (st *Structure) addHook(page *Page, row int) {
	h := &Hook{Record: page.Record(row)}
	status, state := "", ""
	for j, f := range page.Columns {
		v := CellValue(f, page, page.Cell(row, j))
		text, _ := v.(Text)
		links, _ := v.(Links)
		switch f.Key {
		case hookStatusKey:
			status = itemKey(f, v)
		case hookStateKey:
			state = itemKey(f, v)
		case hookCatalogKey:
			if len(links) > 0 {
				h.Catalog = query.Catalog(links[0].Record)
			}
		case hookEventsKey:
			items, _ := v.(Items)
			for _, n := range items {
				h.Events = append(h.Events, HookEvent(itemKey(f, Items{n})))
			}
		case hookURLKey:
			h.URL = strings.TrimSpace(string(text))
		case hookSecretKey:
			h.Secret = string(text)
		case hookSigningKey:
			h.Signing = signingSecrets(string(text))
		case hookRetryKey:
			h.Retries = itemKey(f, v) == hookRetryStandard
		case hookInitiatorKey:
			for _, l := range links {
				h.initiators = append(h.initiators, l.Record)
			}
		}
	}
	if status != hookOn || state == hookPaused {
		return
	}
	h.watch(st, page, row)
	st.hooks = append(st.hooks, h)
	st.hookedCatalogs[h.Catalog] = append(st.hookedCatalogs[h.Catalog], h)
}

// between is what stands between the ids of watched fields, and between secrets.
var between = regexp.MustCompile(`[\s,;]+`)

// watch reads which fields of its catalog the subscription watches. What names no
// field is watched in vain.
func (h *Hook) watch(st *Structure, page *Page, row int) {
	for j, f := range page.Columns {
		if f.Key != hookFieldsKey {
			continue
		}
		list, _ := CellValue(f, page, page.Cell(row, j)).(Text)
		for _, id := range between.Split(string(list), -1) {
			if id == "" {
				continue
			}
			h.watches = true
			if c := st.Catalog(h.Catalog); c != nil {
				if f := c.fieldByAnyID(id); f != nil {
					h.fields = append(h.fields, f.Num)
				}
			}
		}
	}
}

// fieldByAnyID finds a live field by its public id or, of the system, its number.
func (c *Catalog) fieldByAnyID(id string) *Field {
	if f := c.FieldByKey(id); f != nil {
		return f
	}
	i := slices.IndexFunc(c.Fields, func(f *Field) bool { return f.System && fmt.Sprint(f.ID) == id })
	if i < 0 {
		return nil
	}
	return c.Fields[i]
}

func signingSecrets(text string) (list []string) {
	for _, secret := range between.Split(text, -1) {
		if secret != "" && len(list) < hookSecretsMost {
			list = append(list, secret)
		}
	}
	return list
}

// itemKey is the public id of a single choice, "" for none.
func itemKey(f *Field, v Value) string {
	items, _ := v.(Items)
	if len(items) == 0 {
		return ""
	}
	if item := f.Config.Item(items[0]); item != nil {
		return item.Key
	}
	return ""
}

// licensed fails with ModuleNotLicensed when no record of the catalog may be made,
// whoever makes it.
func (s *Service) licensed(n query.Catalog) error {
	if n != Webhooks || !s.options.NoWebhooks {
		return nil
	}
	refused := fault.New(fault.ModuleNotLicensed, "The licence does not have webhooks")
	refused.Data = map[string]any{"module": "webhooks"}
	return refused
}

// rewritesHooks tells whether the subscriptions may be others after the writing:
// then everybody reads them again.
func (w *writing) rewritesHooks() bool {
	return slices.ContainsFunc(w.mutations, func(m Mutation) bool { return m.Catalog.Num == Webhooks || m.Catalog.starts() })
}
