package bpiumapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/report/picture"
)

// drawing makes one kind of pictures.
type drawing struct {
	contentType string
	draw        func(*picture.Chart, picture.Look) ([]byte, error)
}

var (
	asSVG = drawing{"image/svg+xml", func(c *picture.Chart, l picture.Look) ([]byte, error) { return c.SVG(l), nil }}
	asPNG = drawing{"image/png", (*picture.Chart).PNG}
)

// picture draws what a widget shows.
func (a *API) picture(kind drawing) httpkit.Handler {
	return a.shown(func(w http.ResponseWriter, r *http.Request, o opened, b *catalog.BoardInfo, one *catalog.Widget) error {
		pic, err := bpium.DecodePicture(o.params, b, one, o.at)
		if err != nil {
			return err
		}
		pic.Sketch.Language = httpkit.Language(r.Context())
		pic.Look.Language = pic.Sketch.Language
		chart, err := a.opt.Report.Chart(r.Context(), o.actor, pic.Ask, pic.Sketch)
		if err != nil {
			return err
		}
		data, err := a.drawn(r.Context(), kind, chart, pic.Look)
		if err != nil {
			return err
		}
		h := w.Header()
		h.Set("Content-Type", kind.contentType)
		h.Set("Content-Length", strconv.Itoa(len(data)))
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		h.Set("Cache-Control", "private, no-cache")
		h.Add("Vary", "Accept-Language")
		w.WriteHeader(http.StatusOK)
		w.Write(data) // a client that left is nobody's error
		return nil
	})
}

// drawn draws when it is the picture's turn: one per core at a time, because more
// would not be faster and each takes the memory of its pixels.
func (a *API) drawn(ctx context.Context, kind drawing, c *picture.Chart, l picture.Look) ([]byte, error) {
	select {
	case a.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other pictures: %w", context.Cause(ctx))
	}
	defer func() { <-a.turns }()
	return kind.draw(c, l)
}
