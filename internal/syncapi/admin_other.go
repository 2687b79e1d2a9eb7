package syncapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/script"
)

func (a *API) scripts(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
	p, err := pageOf(r)
	if err != nil {
		return err
	}
	codes, total, err := st.ScriptCodes(p)
	if err != nil {
		return err
	}
	list := make([]*apisync.NamedScript, len(codes))
	for i, code := range codes {
		list[i] = st.Scripts[code]
	}
	return httpkit.JSON(w, page[*apisync.NamedScript]{list, total})
}

func (a *API) script(w http.ResponseWriter, r *http.Request, st *apisync.State) error {
	n := st.Scripts[r.PathValue("code")]
	if n == nil {
		return fault.New(fault.NotFound, "there is no such resource")
	}
	return answer(w, http.StatusOK, n.Version, n)
}

func (a *API) createScript(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
	change, err := again(r, replaced)
	if err != nil {
		return err
	}
	n, _, err := a.opt.Sync.SaveScript(r.Context(), who, "", nil, "script.created", change)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, n.Version, n)
}

func (a *API) saveScript(by edit) func(http.ResponseWriter, *http.Request, catalog.Actor) error {
	return func(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
		m, err := match(r)
		if err != nil {
			return err
		}
		change, err := again(r, by)
		if err != nil {
			return err
		}
		n, _, err := a.opt.Sync.SaveScript(r.Context(), who, r.PathValue("code"), m, "script.changed", change)
		if err != nil {
			return err
		}
		return answer(w, http.StatusOK, n.Version, n)
	}
}

func (a *API) deleteScript(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
	m, err := match(r)
	if err != nil {
		return err
	}
	if err := a.opt.Sync.DeleteScript(r.Context(), who, r.PathValue("code"), m); err != nil {
		return err
	}
	return httpkit.JSON(w, struct{}{})
}

// checkedScript is what a look at a source found.
type checkedScript struct {
	OK      bool             `json:"ok"`
	Names   []string         `json:"names_used"`
	Imports []string         `json:"imports"`
	Errors  []script.Problem `json:"errors"`
}

func (a *API) checkScript(w http.ResponseWriter, r *http.Request, _ catalog.Actor) error {
	doc, err := body(r)
	if err != nil {
		return err
	}
	source, ok := doc["source"].(string)
	if !ok {
		return fault.Invalid([]fault.Detail{fault.At("source", fault.Type, "expected a text")})
	}
	mode, _ := doc["mode"].(string)
	if mode == "" {
		mode = "execute"
	}
	if mode != "execute" && mode != "evaluate" {
		return fault.Invalid([]fault.Detail{fault.At("mode", fault.InvalidParameter, "expected one of %s", "evaluate, execute")})
	}
	c, err := a.opt.Sync.CheckScript(r.Context(), source, mode)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, checkedScript{
		len(c.Errors) == 0, append([]string{}, c.Names...), append([]string{}, c.Imports...), append([]script.Problem{}, c.Errors...),
	})
}

// manual says what scripts have.
func (a *API) manual(w http.ResponseWriter, _ *http.Request, _ *apisync.State) error {
	return httpkit.JSON(w, apisync.ScriptManual())
}

// asked splits a parameter at commas; nil when it is not given.
func asked(r *http.Request, name string) []string {
	if text := r.URL.Query().Get(name); text != "" {
		return strings.Split(text, ",")
	}
	return nil
}

func (a *API) export(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
	format := r.URL.Query().Get("format")
	if !slices.Contains([]string{"", "yaml", "json"}, format) {
		return fault.New(fault.InvalidParameter, "format: %s", fault.Msg("expected one of %s", "yaml, json"))
	}
	for _, part := range asked(r, "include") {
		if !slices.Contains([]string{"connections", "scripts", "settings", "configs"}, part) {
			return fault.New(fault.InvalidParameter, "include: %s", fault.Msg("expected one of %s", "connections, scripts, settings, configs"))
		}
	}
	data, err := a.opt.Sync.Export(r.Context(), who, apisync.ExportAsk{
		Configs: asked(r, "configs"), Parts: asked(r, "include"), JSON: format == "json",
	})
	if err != nil {
		return err
	}
	if format == "json" {
		httpkit.WriteJSON(w, http.StatusOK, data)
		return nil
	}
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, _ = w.Write(data) // a client that left is nobody's error
	return nil
}

// imported is what an import did.
type imported struct {
	Created   []string         `json:"created"`
	Updated   []string         `json:"updated"`
	Unchanged []string         `json:"unchanged"`
	Deleted   []string         `json:"deleted"`
	Errors    []httpkit.Detail `json:"errors"`
	Warnings  []httpkit.Detail `json:"warnings"`
}

// importFile imports a file. The server's environment stays the operator's: to callers
// it has no variables.
func (a *API) importFile(w http.ResponseWriter, r *http.Request, who catalog.Actor) error {
	data, err := httpkit.ReadBody(r, apisync.FileMost)
	if err != nil {
		return err
	}
	file, err := apisync.ReadFile(data)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	dry := false
	if q.Has("dry_run") { // what cannot be read must not be carried out
		if dry, err = strconv.ParseBool(q.Get("dry_run")); err != nil {
			return fault.New(fault.InvalidParameter, "%s must be true or false", "dry_run")
		}
	}
	done, err := a.opt.Sync.Import(r.Context(), who, file, apisync.ImportAsk{Mode: q.Get("mode"), DryRun: dry})
	if err != nil {
		return err
	}
	return httpkit.JSON(w, imported{
		done.Created, done.Updated, done.Unchanged, done.Deleted, translated(r, done.Errors), translated(r, done.Warnings),
	})
}
