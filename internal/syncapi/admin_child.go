package syncapi

import (
	"encoding/json"
	"net/http"
	"strconv"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// children are the lists of a config that have routes of their own.
var children = []string{"lines", "headers", "params", "credentials"}

func (a *API) childRoutes() (routes []httpkit.Route) {
	for _, name := range children {
		list, one := "/configs/{code}/"+name, "/configs/{code}/"+name+"/{id}"
		routes = append(routes,
			httpkit.Route{Pattern: "GET " + list, Handler: a.viewed(a.childList(name))},
			httpkit.Route{Pattern: "POST " + list, Handler: a.managed(a.addChild(name))},
			httpkit.Route{Pattern: "GET " + one, Handler: a.viewed(a.oneChild(name))},
			httpkit.Route{Pattern: "PATCH " + one, Handler: a.managed(a.changeChild(name))},
			httpkit.Route{Pattern: "DELETE " + one, Handler: a.managed(a.dropChild(name))},
		)
	}
	return routes
}

// childrenOf gives one of a config's lists as it is shown.
func childrenOf(c *apisync.Config, name string) (list []json.RawMessage, err error) {
	var of any
	switch name {
	case "lines":
		of = c.Lines
	case "headers":
		of = c.Headers
	case "params":
		of = c.Params
	case "credentials":
		of = c.Credentials
	}
	data, err := httpkit.Marshal(of)
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	return list, err
}

func idOf(raw json.RawMessage) (id int64) {
	var v struct {
		ID int64 `json:"id"`
	}
	_ = json.Unmarshal(raw, &v) // ours
	return v.ID
}

// child answers with one of a config's children.
func child(w http.ResponseWriter, c *apisync.Config, name string, id int64) error {
	list, err := childrenOf(c, name)
	if err != nil {
		return err
	}
	for _, raw := range list {
		if idOf(raw) == id {
			return answer(w, http.StatusOK, c.Version, raw)
		}
	}
	return fault.New(fault.NotFound, "there is no such resource")
}

func (a *API) shownConfig(r *http.Request, st *apisync.State) (*apisync.Config, error) {
	list, err := a.opt.Sync.ShownConfigs(r.Context(), st, r.PathValue("code"))
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

func (a *API) childList(name string) func(http.ResponseWriter, *http.Request, *apisync.State) error {
	return func(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
		p, err := pageOf(r)
		if err != nil {
			return err
		}
		c, err := a.shownConfig(r, st)
		if err != nil {
			return err
		}
		list, err := childrenOf(c, name)
		if err != nil {
			return err
		}
		from := min(p.Offset, len(list))
		shown := list[from:min(from+p.Limit, len(list))]
		return answer(w, http.StatusOK, c.Version, page[json.RawMessage]{append([]json.RawMessage{}, shown...), len(list)})
	}
}

func (a *API) oneChild(name string) func(http.ResponseWriter, *http.Request, *apisync.State) error {
	return func(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
		c, err := a.shownConfig(r, st)
		if err != nil {
			return err
		}
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64) // none has 0
		return child(w, c, name, id)
	}
}

// editChildren changes one list of a config.
func editChildren(name string, change func(list []any) ([]any, error)) apisync.Edit {
	return func(before apisync.Doc) (apisync.Doc, error) {
		list, _ := before[name].([]any)
		list, err := change(list)
		before[name] = list
		return before, err
	}
}

// saveChildren saves a config one of whose lists has changed.
func (a *API) saveChildren(r *http.Request, who catalog.Actor, name string, change func(list []any) ([]any, error)) (*apisync.SavedConfig, error) {
	m, err := match(r)
	if err != nil {
		return nil, err
	}
	return a.opt.Sync.SaveConfig(r.Context(), who, r.PathValue("code"), m, "config.changed", editChildren(name, change))
}

func (a *API) addChild(name string) func(http.ResponseWriter, *http.Request, catalog.Actor) error {
	return func(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
		doc, err := body(r)
		if err != nil {
			return err
		}
		c, err := a.saveChildren(r, who, name, func(list []any) ([]any, error) {
			added, err := apisync.Copy(doc)
			delete(added, "id")
			return append(list, added), err
		})
		if err != nil {
			return err
		}
		list, err := childrenOf(c.Shown(), name)
		if err != nil || len(list) == 0 {
			return err
		}
		return answer(w, http.StatusOK, c.Config.Version, list[len(list)-1])
	}
}

// find gives the place of a child; NotFound if it is not there.
func find(list []any, id string) (int, apisync.Doc, error) {
	for i, one := range list {
		doc, _ := one.(apisync.Doc)
		if n, ok := doc["id"].(json.Number); ok && n.String() == id {
			return i, doc, nil
		}
	}
	return 0, nil, fault.New(fault.NotFound, "there is no such resource")
}

func (a *API) changeChild(name string) func(http.ResponseWriter, *http.Request, catalog.Actor) error {
	return func(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
		doc, err := body(r)
		if err != nil {
			return err
		}
		delete(doc, "id")
		c, err := a.saveChildren(r, who, name, func(list []any) ([]any, error) {
			i, before, err := find(list, r.PathValue("id"))
			if err != nil {
				return nil, err
			}
			list[i], err = apisync.Copy(apisync.Merge(before, doc))
			return list, err
		})
		if err != nil {
			return err
		}
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			return err
		}
		return child(w, c.Shown(), name, id)
	}
}

func (a *API) dropChild(name string) func(http.ResponseWriter, *http.Request, catalog.Actor) error {
	return func(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
		_, err := a.saveChildren(r, who, name, func(list []any) ([]any, error) {
			i, _, err := find(list, r.PathValue("id"))
			if err != nil {
				return nil, err
			}
			return append(list[:i:i], list[i+1:]...), nil
		})
		if err != nil {
			return err
		}
		return httpkit.JSON(w, struct{}{})
	}
}
