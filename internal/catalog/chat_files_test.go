package catalog_test

import (
	"strings"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

func TestAttachments(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ann := w.employed("Ann")
		r := w.order("name", catalog.Text("first"))
		up := w.upload("plan.txt", "plan")
		mime := "image/gif"
		files := catalog.Files{{ID: up.ID}, {URL: "https://x.example/a.gif", Title: "a", MimeType: &mime, Storage: catalog.Elsewhere}}
		id := w.say(boss, r, catalog.MessageInput{Attachments: &files})
		attachments := func() catalog.Files {
			t.Helper()
			page, err := w.s.Messages(t.Context(), ann, chatOf(r), 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			return page.Messages[0].Attachments
		}
		got := attachments()
		if len(got) != 2 || got[0].ID != up.ID || got[0].URL != up.Key || got[0].Size != 4 || got[1].ID == 0 || got[1].URL != files[1].URL {
			t.Fatalf("%+v", got)
		}
		for _, f := range got {
			if _, err := w.s.File(t.Context(), ann, f.ID); err != nil {
				t.Errorf("file %d: %v", f.ID, err)
			}
		}
		w.now = w.now.Add(40 * 24 * time.Hour)
		if err := w.s.Purge(t.Context()); err != nil || w.content(up.Key) != "plan" {
			t.Errorf("the clean-up took it: %q, %v", w.content(up.Key), err)
		}
		shared := w.say(ann, r, catalog.MessageInput{Attachments: &catalog.Files{{ID: up.ID}}})
		if again := attachments(); again[0].ID == up.ID || again[0].URL != up.Key {
			t.Errorf("a file of another message: %+v", again)
		}
		wantCode(t, "deleting", w.s.DeleteMessage(t.Context(), ann, chatOf(r), shared), "")
		kept := got[1:]
		if err := w.s.EditMessage(t.Context(), boss, chatOf(r), id, catalog.MessageInput{Attachments: &kept}); err != nil {
			t.Fatal(err)
		}
		_, err := w.s.File(t.Context(), ann, up.ID)
		wantCode(t, "a file taken out", err, fault.Forbidden)
		w.private()
		w.rules(of(w.orders), only(1, "admin"))
		_, err = w.s.File(t.Context(), ann, got[1].ID)
		wantCode(t, "a file of a chat that she may not read", err, fault.Forbidden)
		w.now = w.now.Add(31 * 24 * time.Hour)
		if err := w.s.Purge(t.Context()); err != nil || w.content(up.Key) != "not_found" {
			t.Errorf("the clean-up left it: %q, %v", w.content(up.Key), err)
		}
	})
}

// TestMessagesMirror: it shows which messages there are, and nothing that they say.
func TestMessagesMirror(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("first"))
		first, second := w.say(boss, r, said("secret one")), w.say(boss, r, said("secret two"))
		if got := w.shows("$messages"); len(got) != 2 || strings.Contains(strings.Join(got, " "), "secret") || !strings.Contains(got[0], "Message 1") {
			t.Errorf("%q", got)
		}
		wantCode(t, "editing", w.s.EditMessage(t.Context(), boss, chatOf(r), first, said("secret three")), "")
		wantCode(t, "deleting", w.s.DeleteMessage(t.Context(), boss, chatOf(r), second), "")
		if got := w.shows("$messages"); len(got) != 1 {
			t.Errorf("%q", got)
		}
		if _, err := w.s.ClearCatalog(t.Context(), boss, "orders", "Orders"); err != nil {
			t.Fatal(err)
		}
		if got := w.shows("$messages"); len(got) != 0 {
			t.Errorf("a cleared catalog: %q", got)
		}
		r = w.order("name", catalog.Text("after"))
		if id := w.say(boss, r, said("on")); id != 3 || w.chat(boss, r) != "on" {
			t.Errorf("message %d, %q", id, w.chat(boss, r))
		}
	})
}
