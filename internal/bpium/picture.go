package bpium

import (
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/report"
	"kartoteka/internal/report/picture"
)

// kinds are the chart types as pictures; any other draws columns.
var kinds = map[string]picture.Kind{
	"columns": picture.Columns, "lines": picture.Lines, "bars": picture.Bars, "pie": picture.Pie, "radar": picture.Radar,
	"number": picture.Number, "table": picture.Table,
}

// WidgetPicture is the picture that is asked for of a widget.
type WidgetPicture struct {
	Ask    report.Ask
	Sketch report.Sketch
	Look   picture.Look
}

// DecodePicture reads the parameters of a widget's picture: those of its values,
// chartType, name, stacked and multicolor, which replace what the widget has, and
// theme, width and height. A pie has no split: it shows the groups of the axis.
// It fails like DecodeWidgetReport.
func DecodePicture(p Params, b *catalog.BoardInfo, w *catalog.Widget, at catalog.Moment) (pic WidgetPicture, err error) {
	if pic.Sketch, err = decodeSketch(p, w); err != nil {
		return pic, err
	}
	asked := p
	if pic.Sketch.Kind == picture.Pie {
		asked = p.with("split", tree.NewString(""))
	}
	if pic.Ask, err = DecodeWidgetReport(asked, b, w, at); err != nil {
		return pic, err
	}
	pic.Look, err = decodeLook(p)
	return pic, err
}

// with is the parameters with one of them replaced.
func (p Params) with(name string, v tree.Value) Params {
	fields := slices.DeleteFunc(slices.Clone(p.root.Fields()), func(f tree.Field) bool { return f.Key == name })
	return Params{tree.NewObject(append(fields, tree.Field{Key: name, Value: v}))}
}

func decodeSketch(p Params, w *catalog.Widget) (k report.Sketch, err error) {
	chart := ""
	if w != nil {
		chart = w.Chart
		k.Name, k.Multicolor = w.Name, w.Multicolor
		k.Stacked = w.Stacked != nil && *w.Stacked
	}
	given, err := p.Text("chartType")
	switch {
	case err != nil:
		return k, err
	case given != "" && !slices.Contains(chartTypes, given):
		return k, badParam("chartType", "expected one of %s", strings.Join(chartTypes, ", "))
	case given != "":
		chart = given
	}
	k.Kind = kinds[chart]
	if p.Has("name") {
		if k.Name, err = p.Text("name"); err != nil {
			return k, err
		}
	}
	for name, to := range map[string]*bool{"stacked": &k.Stacked, "multicolor": &k.Multicolor} {
		if p.Has(name) {
			if *to, err = p.Bool(name); err != nil {
				return k, err
			}
		}
	}
	return k, nil
}

func decodeLook(p Params) (l picture.Look, err error) {
	theme, err := p.Text("theme")
	if err != nil {
		return l, err
	}
	switch theme {
	case "", "light":
	case "dark":
		l.Dark = true
	default:
		return l, badParam("theme", "expected light or dark")
	}
	if l.Width, err = p.Int("width", picture.DefaultWidth, picture.MinSide, picture.MaxSide); err != nil {
		return l, err
	}
	l.Height, err = p.Int("height", picture.DefaultHeight, picture.MinSide, picture.MaxSide)
	return l, err
}
