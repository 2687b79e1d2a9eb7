package bpiumapi

import (
	"net/http"

	"kartoteka/internal/bpium"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query"
)

func (a *API) boardRoutes() []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "GET /boards", Handler: a.boards},
		{Pattern: "POST /boards", Handler: a.createBoard},
		{Pattern: "GET /boards/{board}", Handler: a.board},
		{Pattern: "PATCH /boards/{board}", Handler: righted(a.updateBoard, a.mayWriteBoard)},
		{Pattern: "DELETE /boards/{board}", Handler: a.deleteBoard},

		{Pattern: "GET /boards/{board}/widgets", Handler: a.widgets},
		{Pattern: "POST /boards/{board}/widgets", Handler: righted(a.createWidget, a.mayWriteBoard)},
		{Pattern: "GET /boards/{board}/widgets/{widget}", Handler: a.widget},
		{Pattern: "PATCH /boards/{board}/widgets/{widget}", Handler: righted(a.updateWidget, a.mayWriteWidget)},
		{Pattern: "DELETE /boards/{board}/widgets/{widget}", Handler: a.deleteWidget},
		{Pattern: "GET /boards/{board}/widgets/{widget}/values", Handler: a.asked(a.answerValues)},
		{Pattern: "GET /boards/{board}/widgets/{widget}/totals", Handler: a.asked(a.answerTotals)},
		{Pattern: "GET /boards/{board}/widgets/{widget}/image.svg", Handler: a.picture(asSVG)},
		{Pattern: "GET /boards/{board}/widgets/{widget}/image.png", Handler: a.picture(asPNG)},
	}
}

// boardOf is the board of the path.
func boardOf(r *http.Request) query.Board { return bpium.BoardID(r.PathValue("board")) }

func (a *API) mayWriteBoard(r *http.Request) error {
	return a.opt.Catalog.MayWriteBoard(r.Context(), actorOf(r), boardOf(r))
}

func (a *API) boards(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	filter, err := bpium.DecodeBoards(c.params)
	if err != nil {
		return err
	}
	list, err := a.opt.Catalog.Boards(r.Context(), c.actor, filter)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeBoards(dst, list) })
}

func (a *API) board(w http.ResponseWriter, r *http.Request) error {
	b, err := a.opt.Catalog.Board(r.Context(), actorOf(r), boardOf(r))
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeBoard(dst, b) })
}

func (a *API) createBoard(w http.ResponseWriter, r *http.Request) error {
	c, body, err := a.callWithBody(r)
	if err != nil {
		return err
	}
	of, in, err := bpium.DecodeNewBoard(body)
	if err != nil {
		return insteadOf(err, func() error {
			if of.Catalog == "" {
				return nil
			}
			return a.opt.Catalog.MayCreateBoard(r.Context(), c.actor, of.Catalog, of.View)
		})
	}
	b, err := a.opt.Catalog.CreateBoard(r.Context(), c.actor, of.Catalog, of.View, in)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]string{"id": bpium.EncodedID(b.Num)})
}

func (a *API) updateBoard(w http.ResponseWriter, r *http.Request) error {
	c, body, err := a.callWithBody(r)
	if err != nil {
		return err
	}
	in, err := bpium.DecodeBoard(body)
	if err != nil {
		return err
	}
	b, err := a.opt.Catalog.UpdateBoard(r.Context(), c.actor, boardOf(r), in)
	if err != nil {
		return err
	}
	return answer(w, func(dst []byte) []byte { return bpium.EncodeBoard(dst, b) })
}

func (a *API) deleteBoard(w http.ResponseWriter, r *http.Request) error {
	if err := a.opt.Catalog.DeleteBoard(r.Context(), actorOf(r), boardOf(r)); err != nil {
		return err
	}
	return httpkit.Empty(w)
}
