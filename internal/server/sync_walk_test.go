package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kartoteka/internal/store/testdb"
	"kartoteka/internal/syncapi"
)

// walkedRoute makes a site with two configs: the children of the second one have numbers that
// the first one has not.
func walkedRoute(t *testing.T, target testdb.Target) (s *syncSite, ids map[string]string) {
	t.Helper()
	s = openSyncSite(t, target).partners()
	s.want(200, "PATCH", "/settings", `{"secrets":{"who":"`+planted5+`"}}`)
	s.want(200, "POST", "/configs", s.full(""))
	s.want(200, "POST", "/configs/partners/duplicate", `{"name":"Other","code":"other"}`)
	ids = map[string]string{}
	for kind, body := range map[string]string{
		"lines": `{"field":"on","external_key":"k%d"}`, "headers": `{"key":"X-%d","value":"a"}`, "params": `{"field":"f%d"}`,
		"credentials": `{"type":"bearer","label":"l%d"}`,
	} {
		for n := 0; ids[kind] == ""; n++ {
			made := s.want(200, "POST", "/configs/other/"+kind, fmt.Sprintf(body, n))
			id := fmt.Sprint(made["id"])
			if code, _ := s.do("GET", "/configs/partners/"+kind+"/"+id, ""); code == 404 {
				ids[kind] = id
			} else {
				s.want(200, "DELETE", "/configs/other/"+kind+"/"+id, "")
			}
		}
	}
	return s, ids
}

// everyRoute is what the configuration is, all of it.
func (s *syncSite) everyRoute() string {
	s.Helper()
	var all strings.Builder
	for _, path := range []string{"/configs", "/scripts", "/settings", "/export", "/configs/partners/credentials", "/configs/other/credentials", "/api/v1/catalogs"} {
		code, text := s.do("GET", path, "")
		if code != 200 {
			s.Fatalf("%s: %d %s", path, code, text)
		}
		all.WriteString(text + "\n")
	}
	return all.String()
}

// TestSyncChildOfAForeignConfig: a child is found under its own config alone, and among its
// own kind.
func TestSyncChildOfAForeignConfig(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		s, ids := walkedRoute(t, target)
		before := s.everyRoute()
		tried := map[string]bool{}
		for _, pattern := range syncapi.New(syncapi.Options{}).Patterns() {
			method, path, _ := strings.Cut(pattern, " ")
			if strings.Count(path, "{") < 2 {
				continue
			}
			for _, one := range foreignChild(path, ids) {
				if code, text := s.do(method, one, "{}"); code != 404 {
					t.Errorf("%s %s: %d %s", method, one, code, text)
				}
				tried[pattern] = true
			}
			if !tried[pattern] {
				t.Errorf("%s is not tried", pattern)
			}
		}
		if after := s.everyRoute(); after != before {
			t.Errorf("something changed:\n%s\nwas\n%s", after, before)
		}
		if len(tried) < 14 {
			t.Errorf("only %d routes have two ids", len(tried))
		}
	})
}

// foreignChild are requests of a pattern that name a child where it is not.
func foreignChild(path string, ids map[string]string) (list []string) {
	switch {
	case strings.HasPrefix(path, "/connections/"):
		return []string{
			strings.NewReplacer("{code}", "odoo", "{model}", "$users").Replace(path), strings.NewReplacer("{code}", "local", "{model}", "$accounts").Replace(path),
		}
	case strings.HasPrefix(path, "/configs/{code}/"):
		kind, _, _ := strings.Cut(strings.TrimPrefix(path, "/configs/{code}/"), "/")
		for other, id := range ids {
			under := "other"
			if other == kind {
				under = "partners"
			}
			list = append(list, strings.NewReplacer("{code}", under, "{id}", id).Replace(path))
		}
		return append(list, strings.NewReplacer("{code}", "none", "{id}", ids[kind]).Replace(path))
	}
	return nil
}

// TestSyncTokensOnEverySyncRoute: what a token is narrowed to never reaches the
// configuration, a whole one does what its employee may, and a dead one nothing.
func TestSyncTokensOnEverySyncRoute(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		s, _ := walkedRoute(t, target)
		token := func(limits string) (id, authorization string) {
			v := s.want(200, "POST", "/api/v1/tokens", `{"name":"t"`+limits+`}`)
			return v["id"].(string), "Bearer " + v["token"].(string)
		}
		want := map[string]int{}
		for name, limits := range map[string]string{
			"outside": `,"catalogs":["$users"]`, "inside": `,"catalogs":["` + s.model + `"]`, "reader": `,"verbs":["read"]`, "maker": `,"verbs":["create"]`,
			"all but admin": `,"verbs":["read","create","update","delete"]`,
		} {
			_, authorization := token(limits)
			want[authorization+" "+name] = 403
		}
		id, deleted := token("")
		s.want(200, "DELETE", "/api/v1/tokens/"+id, "")
		_, elsewhere := token(`,"ipRanges":["198.51.100.0/24"]`)
		want[deleted+" deleted"], want[elsewhere+" elsewhere"], want[deleted[:len(deleted)-1]+"~ unknown"] = 401, 401, 401
		before := s.everyRoute()
		for who, status := range want {
			scheme, rest, _ := strings.Cut(who, " ")
			secret, name, _ := strings.Cut(rest, " ")
			for _, pattern := range syncapi.New(syncapi.Options{}).Patterns() {
				method, path := s.walkedPath(pattern)
				w := ask(s.h, method, path, "{}", "Authorization", scheme+" "+secret)
				if w.Code != status || strings.Contains(w.Body.String(), "partners") {
					t.Errorf("%s: %s gives %d %s, want %d", name, pattern, w.Code, w.Body, status)
				}
			}
		}
		if after := s.everyRoute(); after != before {
			t.Errorf("something changed:\n%s\nwas\n%s", after, before)
		}
		_, whole := token("")
		for _, pattern := range syncapi.New(syncapi.Options{}).Patterns() {
			method, path := s.walkedPath(pattern)
			if method != "GET" || path == "/api/v1/sync/metrics" {
				continue
			}
			code, text := s.do(method, path, "")
			if w := ask(s.h, method, path, "", "Authorization", whole); w.Code != code || code == 200 && w.Body.String() != text {
				t.Errorf("a whole token: %s gives %d %s, want %d %s", pattern, w.Code, w.Body, code, text)
			}
		}
		s.tokensAtEndpoints(whole)
	})
}

// walkedPath is a request to a route.
func (s *syncSite) walkedPath(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	code := "partners"
	if strings.HasPrefix(path, "/connections/") {
		code = "local"
	}
	return method, "/api/v1/sync" + strings.NewReplacer("{code}", code, "{id}", "1", "{model}", s.model).Replace(path)
}

// tokensAtEndpoints: endpoints know accounts by their passwords only.
func (s *syncSite) tokensAtEndpoints(whole string) {
	s.Helper()
	s.want(200, "PATCH", "/configs/partners", `{"auth_types":["bearer","basic","platform"],"methods":["GET","POST","PUT","DELETE"],"headers":[]}`)
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(bossLogin, strings.TrimPrefix(whole, "Bearer "))
	for _, authorization := range []string{whole, r.Header.Get("Authorization")} {
		for _, one := range [][2]string{{"GET", "partners"}, {"PUT", "partners"}, {"GET", "partners/1"}, {"DELETE", "partners/1"}} {
			w := ask(s.h, one[0], "/bj_api_sync/v1/"+one[1], "{}", "Authorization", authorization)
			refused := w.Code == 401 && strings.Contains(w.Body.String(), "AUTH_INVALID") || // or it waits for the account
				w.Code == 429 && authorization != whole
			if !refused {
				s.Errorf("%s %s with a token: %d %s", one[0], one[1], w.Code, w.Body)
			}
		}
	}
}
