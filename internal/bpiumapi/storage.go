package bpiumapi

import (
	"encoding/xml"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"

	"kartoteka/internal/blob"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
)

// storageRoutes are those of files' contents.
func (a *API) storageRoutes() []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "POST ", Handler: a.receive},
		{Pattern: "GET /{company}/{id}/{name}", Handler: a.content},
	}
}

// unreadMost is how much of a refused upload is read and dropped: many clients
// take no answer before they have sent all.
const unreadMost = 16 << 20

// receive takes an upload, from anybody who has a policy.
func (a *API) receive(w http.ResponseWriter, r *http.Request) error {
	_, body := httpkit.Patient(w, r)
	form, err := blob.ReadForm(r.Header.Get("Content-Type"), body)
	if err == nil {
		err = a.opt.Catalog.Receive(r.Context(), form)
	}
	if err != nil {
		if r.Header.Get("Expect") == "" {
			_, _ = io.CopyN(io.Discard, body, unreadMost) // the answer is the same
		}
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// asAttachment in the query string lets a browser save what it could show.
const asAttachment = "download=1"

// content gives a content to who has a link, or is signed in and may see the file.
func (a *API) content(w http.ResponseWriter, r *http.Request) error {
	key := path.Join(r.PathValue("company"), r.PathValue("id"), r.PathValue("name"))
	if !blob.ValidKey(key) {
		return fault.New(fault.NotFound, "There is no such file")
	}
	f, err := a.fileOf(w, r, key)
	if err != nil {
		return err
	}
	return a.serveContent(w, r, f, key, "private, max-age=300")
}

// serveContent gives a content of a file to who may have it.
func (a *API) serveContent(w http.ResponseWriter, r *http.Request, f *catalog.StoredFile, key, caching string) error {
	content, err := a.opt.Catalog.Content(r.Context(), key)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	describe(w.Header(), f, key, r.URL.Query().Has("download"))
	w.Header().Set("Cache-Control", caching)
	slow, _ := httpkit.Patient(w, r)
	http.ServeContent(slow, r, "", content.Modified, content)
	return nil
}

func (a *API) fileOf(w http.ResponseWriter, r *http.Request, key string) (*catalog.StoredFile, error) {
	if query := r.URL.Query(); query.Has("token") {
		return a.opt.Catalog.LinkedFile(r.Context(), key, query)
	}
	who, err := a.auth.Actor(w, r)
	if err != nil {
		return nil, err
	}
	return a.opt.Catalog.FileAt(r.Context(), actorFor(who), key)
}

// describe sets the headers of a content. Whatever its uploader called it, a
// browser runs nothing in it.
func describe(h http.Header, f *catalog.StoredFile, key string, save bool) {
	kind, inline := "image/png", true
	name := path.Base(key)
	part := name
	if key == f.URL {
		part = "content"
		stored := ""
		if f.MimeType != nil {
			stored = *f.MimeType
		}
		kind, inline = blob.Served(stored)
		name = f.Title
	}
	disposition := "attachment"
	if inline && !save {
		disposition = "inline"
	}
	if named := mime.FormatMediaType(disposition, map[string]string{"filename": name}); named != "" {
		disposition = named
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("ETag", `"`+path.Base(path.Dir(key))+"-"+part+`"`)
}

// storageError answers as stores of S3's kind do.
func storageError(w http.ResponseWriter, _ *http.Request, f httpkit.Failure) {
	body, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}{Code: storageCode(f), Message: f.Message, RequestID: f.RequestID})
	if err != nil {
		body = nil // texts can always be written
	}
	h := w.Header()
	h.Set("Content-Type", "application/xml; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(xml.Header)+len(body)))
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, xml.Header+string(body)) // a client that left is nobody's error
}

func storageCode(f httpkit.Failure) string {
	switch f.Code {
	case fault.BodyTooLarge:
		return "EntityTooLarge"
	case fault.NotFound:
		return "NoSuchKey"
	case fault.MethodNotAllowed:
		return "MethodNotAllowed"
	}
	switch f.Status {
	case http.StatusBadRequest:
		return "InvalidArgument"
	case http.StatusUnauthorized, http.StatusForbidden:
		return "AccessDenied"
	case http.StatusTooManyRequests:
		return "SlowDown"
	case http.StatusNotImplemented:
		return "NotImplemented"
	}
	return "InternalError"
}
