package bpiumapi

import (
	"net/http"
	"strconv"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

func (a *API) messageRoutes() []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "GET /catalogs/{catalog}/records/{record}/messages", Handler: righted(a.messages, a.mayUseRecord(catalog.ViewPrivilege))},
		{Pattern: "POST /catalogs/{catalog}/records/{record}/messages", Handler: righted(a.postMessage, a.mayUseRecord(catalog.ViewPrivilege))},
		{Pattern: "PATCH /catalogs/{catalog}/records/{record}/messages/{message}", Handler: righted(a.editMessage, a.mayEditMessage)},
		{Pattern: "DELETE /catalogs/{catalog}/records/{record}/messages/{message}", Handler: righted(a.deleteMessage, a.mayUseRecord(catalog.ViewPrivilege))},
		{Pattern: "GET /catalogs/{catalog}/records/{record}/chatOptions/{same}", Handler: righted(a.chatOptions, a.mayUseRecord(catalog.ViewPrivilege))},
		{Pattern: "PATCH /catalogs/{catalog}/records/{record}/chatOptions/{same}", Handler: righted(a.setChatOptions, a.mayUseRecord(catalog.ViewPrivilege))},
	}
}

// chatOf is the chat of the path's record.
func chatOf(r *http.Request) catalog.ChatOf {
	return catalog.ChatOf{Catalog: catalogKey(r), Record: bpium.RecordKey(r.PathValue("record"))}
}

// messageOf is the message of the path.
func messageOf(r *http.Request) int64 { return bpium.MessageID(r.PathValue("message")) }

func (a *API) mayEditMessage(r *http.Request) error {
	return a.opt.Catalog.MayEditMessage(r.Context(), actorOf(r), chatOf(r), messageOf(r))
}

func (a *API) messages(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	limit, offset, err := bpium.DecodeMessages(c.params)
	if err != nil {
		return err
	}
	page, err := a.opt.Catalog.Messages(r.Context(), c.actor, chatOf(r), limit, offset)
	if err != nil {
		return err
	}
	files := a.opt.Catalog.FileLinks(a.url(r))
	return answer(w, func(dst []byte) []byte { return bpium.EncodeMessages(dst, page, files) })
}

// messageInput reads a message and who sends it.
func (a *API) messageInput(r *http.Request) (who catalog.Actor, in catalog.MessageInput, err error) {
	c, body, err := a.callWithBody(r)
	if err != nil {
		return who, in, err
	}
	in, err = bpium.DecodeMessage(body)
	return c.actor, in, err
}

func (a *API) postMessage(w http.ResponseWriter, r *http.Request) error {
	who, in, err := a.messageInput(r)
	if err != nil {
		return err
	}
	id, err := a.opt.Catalog.PostMessage(r.Context(), who, chatOf(r), in)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]string{"id": strconv.FormatInt(id, 10)})
}

func (a *API) editMessage(w http.ResponseWriter, r *http.Request) error {
	who, in, err := a.messageInput(r)
	if err != nil {
		return err
	}
	if err := a.opt.Catalog.EditMessage(r.Context(), who, chatOf(r), messageOf(r), in); err != nil {
		return err
	}
	return httpkit.Empty(w)
}

func (a *API) deleteMessage(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	if err := a.opt.Catalog.DeleteMessage(r.Context(), c.actor, chatOf(r), messageOf(r)); err != nil {
		return err
	}
	return httpkit.Empty(w)
}

// sameRecord makes sure that the path names one record twice.
func sameRecord(r *http.Request) error {
	if bpium.RecordKey(r.PathValue("same")) != bpium.RecordKey(r.PathValue("record")) {
		return fault.New(fault.InvalidParameter, "the last id of the path is not that of the record")
	}
	return nil
}

func (a *API) chatOptions(w http.ResponseWriter, r *http.Request) error {
	c, err := a.call(r)
	if err != nil {
		return err
	}
	if err := sameRecord(r); err != nil {
		return err
	}
	on, err := a.opt.Catalog.Subscribed(r.Context(), c.actor, chatOf(r))
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]bool{"subscribe": on})
}

func (a *API) setChatOptions(w http.ResponseWriter, r *http.Request) error {
	c, body, err := a.callWithBody(r)
	if err != nil {
		return err
	}
	if err := sameRecord(r); err != nil {
		return err
	}
	o, err := bpium.DecodeChatOptions(body)
	if err != nil {
		return err
	}
	on, err := a.opt.Catalog.SetSubscription(r.Context(), c.actor, chatOf(r), o.Subscribe, o.Read)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]bool{"subscribe": on})
}
