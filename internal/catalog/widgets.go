package catalog

import "kartoteka/internal/query"

// Widget is a chart on a board. It is immutable.
type Widget struct {
	Num      query.Widget // also its public id
	Board    query.Board
	Priority int
	WidgetSettings
}

// WidgetSettings are what a widget shows, stored as this JSON. Words are those of
// the API that they came by, which checks them; nil and "" stand for not given.
type WidgetSettings struct {
	Name       string     `json:"name,omitempty"`
	Chart      string     `json:"chart"`
	Value      Dimension  `json:"value"`
	ValueFn    string     `json:"valueFn,omitempty"`
	Axis       Dimension  `json:"axis"`
	Split      *Dimension `json:"split,omitempty"`
	Sort       string     `json:"sort,omitempty"`
	SortType   string     `json:"sortType,omitempty"`
	Stacked    *bool      `json:"stacked,omitempty"`
	Multicolor bool       `json:"multicolor,omitempty"`
	Limit      *int       `json:"limit,omitempty"`
	Offset     *int       `json:"offset,omitempty"`
	SplitLimit *int       `json:"splitLimit,omitempty"`
	// All counts every record of the catalog for everybody who sees the board.
	All bool `json:"all,omitempty"`
	// Filters narrow the records down; each is kept as it was given. View is a
	// legal view of the catalog, 0 for none.
	Filters []ViewFilter `json:"filters,omitempty"`
	View    query.View   `json:"view,omitempty"`
}

// Dimension is what a widget measures or groups records by.
type Dimension struct {
	Type  string      `json:"type"`
	Field query.Field `json:"field,omitempty"`
	Sub   string      `json:"sub,omitempty"`
}
