package bpiumapi

import (
	"net/http"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query"
	"kartoteka/internal/report"
)

// newWidget stands in the path for a widget that is not stored.
const newWidget = "new"

// widgetOf is the widget of the path.
func widgetOf(r *http.Request) query.Widget { return bpium.WidgetID(r.PathValue("widget")) }

func (a *API) mayWriteWidget(r *http.Request) error {
	return a.opt.Catalog.MayWriteWidget(r.Context(), actorOf(r), boardOf(r), widgetOf(r))
}

func (a *API) widgets(w http.ResponseWriter, r *http.Request) error {
	b, err := a.opt.Catalog.Board(r.Context(), actorOf(r), boardOf(r))
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeWidgets(dst, b) })
}

func (a *API) widget(w http.ResponseWriter, r *http.Request) error {
	b, err := a.opt.Catalog.Board(r.Context(), actorOf(r), boardOf(r))
	if err != nil {
		return err
	}
	one, err := b.Widget(widgetOf(r))
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeWidget(dst, b, one) })
}

func (a *API) createWidget(w http.ResponseWriter, r *http.Request) error {
	c, body, err := a.callWithBody(r)
	if err != nil {
		return err
	}
	n, err := a.opt.Catalog.CreateWidget(r.Context(), c.actor, boardOf(r), bpium.DecodeWidget(body, a.moment(c.actor)))
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]string{"id": bpium.EncodedID(n)})
}

func (a *API) updateWidget(w http.ResponseWriter, r *http.Request) error {
	c, body, err := a.callWithBody(r)
	if err != nil {
		return err
	}
	change := bpium.DecodeWidget(body, a.moment(c.actor))
	if err := a.opt.Catalog.UpdateWidget(r.Context(), c.actor, boardOf(r), widgetOf(r), change); err != nil {
		return err
	}
	return httpkit.Empty(w)
}

func (a *API) deleteWidget(w http.ResponseWriter, r *http.Request) error {
	if err := a.opt.Catalog.DeleteWidget(r.Context(), actorOf(r), boardOf(r), widgetOf(r)); err != nil {
		return err
	}
	return httpkit.Empty(w)
}

// asked answers what a widget shows by the parameters of the call.
func (a *API) asked(show func(http.ResponseWriter, *http.Request, opened, report.Ask) error) httpkit.Handler {
	return a.shown(func(w http.ResponseWriter, r *http.Request, o opened, b *catalog.BoardInfo, one *catalog.Widget) error {
		ask, err := bpium.DecodeWidgetReport(o.params, b, one, o.at)
		if err != nil {
			return err
		}
		return show(w, r, o, ask)
	})
}

// shown handles a request about what a widget shows, stored or not. show gets nil
// for one that is not; it may run again, as those of about do.
func (a *API) shown(show func(http.ResponseWriter, *http.Request, opened, *catalog.BoardInfo, *catalog.Widget) error) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		found, err := a.opt.Catalog.Board(r.Context(), actorOf(r), boardOf(r))
		if err != nil {
			return err
		}
		return insteadOf(a.request(r, found.Scope.Catalog.Key, func(o opened) error {
			b, one, err := a.shownWidget(r, o.actor)
			if err != nil {
				return err
			}
			return show(w, r, o, b, one)
		}), func() error {
			_, _, err := a.shownWidget(r, actorOf(r))
			return err
		})
	}
}

// shownWidget is the widget of the path with its board; nil for a new one.
func (a *API) shownWidget(r *http.Request, who catalog.Actor) (*catalog.BoardInfo, *catalog.Widget, error) {
	b, err := a.opt.Catalog.Board(r.Context(), who, boardOf(r))
	if err != nil || r.PathValue("widget") == newWidget {
		return b, nil, err
	}
	one, err := b.Widget(widgetOf(r))
	return b, one, err
}
