package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"kartoteka/internal/account"
	"kartoteka/internal/catalog"
)

const systemOps = 120 // operations per seed

// TestSystemModel gives employees random rights on system catalogs: webhooks with
// their secrets, and the accounts. What the rights let them change acts at once.
func TestSystemModel(t *testing.T) {
	eachSeed(t, systemOps, func(t *testing.T, seed uint64, ops int) {
		w := &systemWorld{rightsWorld: newRightsWorld(t, seed), secrets: map[*record]string{}}
		w.furnish()
		w.addSystem()
		for range ops {
			w.clock.pass(w.rng)
			w.stepSystem()
		}
		t.Logf("%d requests compared", w.requests)
	})
}

// systemWorld is a company whose webhooks and accounts no other step touches.
type systemWorld struct {
	*rightsWorld
	hooks, accounts *cat
	url, secret     *field // of webhooks
	name, limit     *field // of accounts
	secrets         map[*record]string
	spare           []*record // accounts of employees who do nothing
}

func (w *systemWorld) addSystem() {
	w.url = &field{id: 5, key: "$url", typ: "text", kind: "multiline", name: "Address", history: true}
	w.secret = &field{id: 7, key: "$secret", typ: "text", kind: "text", name: "Secret"}
	w.hooks = &cat{num: 5, key: "$webhooks", section: w.users.section, system: true, fields: []*field{w.url, w.secret}}
	for range 3 {
		w.addHook()
	}
	w.name = &field{id: 1, key: "$name", typ: "text", kind: "text", name: "Name", history: true}
	w.limit = &field{id: 7, key: "$requestLimit", typ: "number", name: "Request limit", history: true}
	w.accounts = &cat{num: 17, key: "$accounts", section: &section{key: "$system"}, system: true, fields: []*field{w.name, w.limit}}
	for range 4 {
		login := w.newKey("spare")
		w.must(http.MethodPost, "/catalogs/$users/records", map[string]any{"values": map[string]any{"$name": login, "$email": login}}, nil)
	}
	people, spare := 1+len(w.people), 4
	for n := 1; n <= people+spare; n++ {
		r := &record{of: w.accounts, num: n, values: map[*field]any{}}
		send := map[string]any{}
		w.newValue(r, w.name, send) // another one than the employee's
		w.must(http.MethodPatch, "/catalogs/$accounts/records/"+r.id(), map[string]any{"values": send}, nil)
		w.accounts.add(r)
		if n > people {
			w.spare = append(w.spare, r)
		}
	}
	for _, c := range []*cat{w.hooks, w.accounts} {
		w.setRules(thing{cat: c})
	}
}

func (w *systemWorld) addHook() {
	r := &record{of: w.hooks, values: map[*field]any{}}
	w.marks++
	host := markText(w.marks)
	address, secret := "https://"+host+".example", fmt.Sprintf("s3cret-%d", w.marks)
	w.must(http.MethodPost, "/catalogs/$webhooks/records", map[string]any{"values": map[string]any{
		"$catalog": []any{map[string]any{"catalogId": "$catalogs", "recordId": "$users"}}, "$events": []any{"record.created"}, "$url": address, "$secret": secret,
	}}, func(a answer) { r.num, _ = strconv.Atoi(parse[shownRecord](w.world, a).ID) })
	w.owners[host] = mark{r, w.url}
	r.values[w.url] = address
	w.secrets[r] = secret
	w.hooks.add(r)
}

func (w *systemWorld) stepSystem() {
	switch n := w.rng.IntN(20); {
	case n < 5:
		w.readHooks()
	case n < 8:
		w.searchHooks()
	case n < 11:
		w.readAccounts()
	case n < 14:
		w.limitAccount()
	case n < 15:
		w.makeAccount()
	case n < 16:
		w.deleteAccount()
	case n < 17:
		w.writeMirror()
	case n < 18:
		w.regroup()
	default:
		w.setRules(thing{cat: pick(w.rng, w.hooks, w.accounts)})
	}
}

// noSecret looks for the secrets of webhooks, which are for administrators of
// their catalog.
func (w *systemWorld) noSecret(a asker, got answer) {
	for r, secret := range w.secrets {
		if strings.Contains(got.body, secret) && (w.level(a, w.hooks) < catalog.AdminPrivilege || !w.visible(a, r, w.secret)) {
			w.fail("the answer tells the secret of webhook %s: %s", r.id(), got.body)
		}
	}
}

func (w *systemWorld) readHooks() {
	a, r := w.asker(), pick(w.rng, w.hooks.records...)
	got := w.read(a, "/catalogs/$webhooks/records/"+r.id(), url.Values{"skipPrevId": {"true"}})
	w.noSecret(a, got)
	if !w.opens(a, w.hooks, got) {
		return
	}
	if !w.readable(a, r) {
		w.refused(got, "forbidden")
		return
	}
	w.expect(got, true)
	values := parse[struct{ Values map[string]any }](w.world, got).Values
	if address, shown := values["$url"]; shown != w.visible(a, r, w.url) || shown && address != r.values[w.url] {
		w.fail("the address of webhook %s is %v", r.id(), address)
	}
	if a.token == nil && w.level(a, w.hooks) >= catalog.AdminPrivilege && w.visible(a, r, w.secret) && values["$secret"] != w.secrets[r] {
		w.fail("an administrator sees the secret %v of webhook %s", values["$secret"], r.id())
	}
	w.noSecret(a, w.read(a, "/histories", url.Values{"catalogId": {"$webhooks"}, "recordId": {r.id()}}))
}

// searchHooks tries to find out a secret by what lists can be asked.
func (w *systemWorld) searchHooks() {
	a, r := w.asker(), pick(w.rng, w.hooks.records...)
	params := pick(w.rng, url.Values{"filters": {asJSON(map[string]any{"$secret": w.secrets[r]})}}, url.Values{"sortField": {"$secret"}},
		url.Values{"searchText": {w.secrets[r]}}, url.Values{"filters": {`{"7":"$notEmpty"}`}}, nil)
	got := w.read(a, "/catalogs/$webhooks/records", params)
	w.noSecret(a, got)
	if !w.opens(a, w.hooks, got) {
		return
	}
	switch admin := w.level(a, w.hooks) >= catalog.AdminPrivilege && w.shown(a, w.hooks, w.secret); {
	case admin:
	case params.Has("searchText"):
		if got.body != "[]" {
			w.fail("a secret is found: %s", got.body)
		}
	case params != nil:
		w.refused(got, "field_hidden")
	}
}

func (w *systemWorld) readAccounts() {
	a := w.asker()
	chosen := chosenFields{fields: []*field{w.name, w.limit}}
	got := w.read(a, "/catalogs/17/records", url.Values{"fields": {`["1","$requestLimit"]`}, "skipPrevId": {"true"}, "sortType": {"1"}})
	if !w.opens(a, w.accounts, got) {
		return
	}
	w.expect(got, true)
	want := []seenRecord{}
	for _, r := range w.accounts.records {
		if w.readable(a, r) {
			want = append(want, w.wantRecord(a, r, chosen))
		}
	}
	same(w.rightsWorld, "accounts", parse[[]seenRecord](w.world, got), want)
}

// limitAccount sets an account's limit of requests, by number or by text id.
func (w *systemWorld) limitAccount() {
	a, r := w.asker(), pick(w.rng, w.accounts.records...)
	after := &record{of: r.of, num: r.num, values: map[*field]any{w.name: r.values[w.name]}}
	send := map[string]any{}
	w.newValue(after, w.limit, send)
	w.owned(after, r)
	refused := w.refusesChange(a, r, after, send, &pastEntry{})
	if w.chance(50) {
		send = map[string]any{"7": send[w.limit.key]}
	}
	got := w.write(a, http.MethodPatch, "/catalogs/$accounts/records/"+r.id(), map[string]any{"values": send}, func(answer) { r.values = after.values })
	if refused != nil {
		w.refused(got, refused...)
	} else {
		w.expect(got, true)
	}
	w.sameAccount(r)
}

// sameAccount compares an account of the control database with the model.
func (w *systemWorld) sameAccount(r *record) {
	w.t.Helper()
	want, _ := r.values[w.limit].(float64)
	for _, s := range w.sides {
		got, err := s.app.Accounts.Account(w.t.Context(), account.ID(r.num))
		if err != nil || got.RequestLimit != int(want) || got.Name != r.values[w.name] {
			w.fail("on %s the account is %+v, %v; the model has %v", s.name, got, err, r.values)
		}
	}
}

func (w *systemWorld) makeAccount() {
	a := w.asker()
	got := w.send(a, http.MethodPost, "/catalogs/17/records", nil, map[string]any{"values": map[string]any{"$email": w.newKey("made")}})
	if w.sees(a, w.accounts) && w.creates(a, w.accounts) {
		w.expect(got, false)
	} else {
		w.refused(got, "forbidden")
	}
	w.sameNumbers(w.accounts)
}

func (w *systemWorld) deleteAccount() {
	if len(w.spare) == 0 {
		return
	}
	a, r := w.asker(), w.spare[0]
	ok := w.sees(a, w.accounts) && a.may(w.accounts, "delete") && w.privilege(a, r) >= catalog.DeletePrivilege
	got := w.write(a, http.MethodDelete, "/catalogs/$accounts/records/"+r.id(), nil, func(answer) {
		r.remove()
		w.spare = w.spare[1:]
	})
	if !ok {
		w.refused(got, "forbidden")
		w.sameAccount(r)
	} else {
		w.expect(got, true)
		for _, s := range w.sides {
			if gone, err := s.app.Accounts.Account(w.t.Context(), account.ID(r.num)); err == nil {
				w.fail("on %s there is still %+v", s.name, gone)
			}
		}
	}
	w.sameNumbers(w.accounts)
}

// writeMirror tries to write what the system keeps: nobody may, and who has no
// rights there does not learn what there is.
func (w *systemWorld) writeMirror() {
	a := w.asker()
	mirror := pick(w.rng, "$rights", "$catalogs", "$views", "1", "$messages")
	for _, got := range []answer{
		w.send(a, http.MethodPost, "/catalogs/"+mirror+"/records", nil, map[string]any{"values": map[string]any{"$name": "x"}}),
		w.send(a, http.MethodDelete, "/catalogs/"+mirror+"/records/1", nil, nil),
		w.read(a, "/catalogs/"+mirror+"/records", nil),
	} {
		w.refused(got, "forbidden")
	}
	if got := w.do(http.MethodPatch, "/catalogs/"+mirror+"/records/1", nil, map[string]any{"values": map[string]any{"$name": "x"}}); got.status != http.StatusMethodNotAllowed {
		w.fail("the administrator writes a mirror: %d %s", got.status, got.body)
	}
}
