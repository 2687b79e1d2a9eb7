package storetest

import (
	"errors"
	"reflect"

	"kartoteka/internal/blob"
	"kartoteka/internal/catalog"
)

var filed = []promise{
	{name: "files are read as they were saved", test: testFiles},
	{name: "a loose file is attached once", test: testAttachOnce},
	{name: "a key is free when its last file is dropped", test: testDropFiles},
}

const folder = "1/0b2e4c1e-0000-4000-8000-0123456789ab"

func loose(id int64) catalog.StoredFile {
	mime := "image/png"
	return catalog.StoredFile{
		File:     catalog.File{ID: id, Title: "план.png", URL: folder + "/план.png", Size: 1 << 33, MimeType: &mime, Storage: catalog.InStore},
		Uploader: 7, Confirmed: true, Made: 1000, Loose: 1000,
	}
}

func (f *fixture) saveFiles(list ...catalog.StoredFile) {
	f.Helper()
	for i := range list {
		if err := f.update(func(w catalog.Writer) error { return w.SaveFile(f.Context(), &list[i]) }); err != nil {
			f.Fatal(err)
		}
	}
}

func (f *fixture) writeFiles(list ...catalog.FileWrite) error {
	return f.update(func(w catalog.Writer) error { return w.WriteFiles(f.Context(), list) })
}

func (f *fixture) files(ids ...int64) (list []catalog.StoredFile) {
	f.Helper()
	f.read(func(r catalog.Reader) (err error) {
		list, err = r.Files(f.Context(), ids)
		return err
	})
	return list
}

func testFiles(f *fixture) {
	file := loose(1)
	file.Confirmed, file.MimeType = false, nil
	f.saveFiles(file)
	if got := f.files(1, 2); len(got) != 1 || !reflect.DeepEqual(got[0], file) {
		f.Errorf("%+v, want %+v", got, file)
	}
	file = loose(1)
	file.Image = &blob.Size{Width: 20, Height: 10}
	elsewhere := catalog.StoredFile{
		File:      catalog.File{ID: 2, Title: "b", URL: "https://x.example/b", Storage: catalog.Elsewhere},
		Confirmed: true, Place: catalog.FilePlace{Catalog: goods, Field: files, Record: 5}, Made: 5,
	}
	f.saveFiles(file)
	if err := f.writeFiles(catalog.FileWrite{Kind: catalog.AddFile, File: elsewhere}); err != nil {
		f.Fatal(err)
	}
	if got := f.files(1); !reflect.DeepEqual(got, []catalog.StoredFile{file}) {
		f.Errorf("%+v, want %+v", got, file)
	}
	if got := f.files(2); !reflect.DeepEqual(got, []catalog.StoredFile{elsewhere}) {
		f.Errorf("%+v, want %+v", got, elsewhere)
	}
	f.read(func(r catalog.Reader) error {
		in, err := r.FilesIn(f.Context(), []string{folder, "1/other"})
		after, err2 := r.FilesAfter(f.Context(), 0, 10)
		if len(in) != 1 || in[0].ID != 1 || len(after) != 1 || after[0].ID != 1 {
			f.Errorf("in the folder %+v, after 0 %+v", in, after)
		}
		return errors.Join(err, err2)
	})
	if got := f.files(); len(got) > 0 {
		f.Errorf("no number gives %+v", got)
	}
}

func testAttachOnce(f *fixture) {
	f.saveFiles(loose(1))
	file := loose(1)
	file.Title, file.Loose = "renamed", 0
	file.Place = catalog.FilePlace{Catalog: goods, Field: files, Record: 5}
	attach := catalog.FileWrite{Kind: catalog.AttachFile, File: file}
	if err := f.writeFiles(attach); err != nil {
		f.Fatal(err)
	}
	if got := f.files(1); !reflect.DeepEqual(got, []catalog.StoredFile{file}) {
		f.Errorf("attached: %+v", got)
	}
	if err := f.writeFiles(attach); !errors.Is(err, catalog.ErrMoved) {
		f.Errorf("attached again: %v", err)
	}
	elsewhere := file
	elsewhere.Place.Record, elsewhere.Loose = 6, 2000
	file.Title = "again"
	err := f.writeFiles(catalog.FileWrite{Kind: catalog.DetachFile, File: elsewhere}, catalog.FileWrite{Kind: catalog.RenameFile, File: file})
	if got := f.files(1); err != nil || got[0].Loose != 0 || got[0].Title != "again" {
		f.Errorf("detached from elsewhere: %+v, %v", got, err)
	}
	file.Loose = 3000
	err = f.writeFiles(catalog.FileWrite{Kind: catalog.DetachFile, File: file})
	if got := f.files(1); err != nil || got[0].Loose != 3000 || got[0].Place != (catalog.FilePlace{}) {
		f.Errorf("detached: %+v, %v", got, err)
	}
}

func testDropFiles(f *fixture) {
	place := catalog.FilePlace{Catalog: goods, Field: files, Record: 5}
	kept := loose(2)
	kept.Place, kept.Loose = place, 0
	young := loose(3)
	young.Made, young.Loose = 5000, 5000
	f.saveFiles(loose(1), young)
	if err := f.writeFiles(catalog.FileWrite{Kind: catalog.AddFile, File: kept}); err != nil {
		f.Fatal(err)
	}
	drop := func(ages catalog.FileAges, wantKeys, wantDropped int) {
		f.Helper()
		var keys []string
		var dropped int
		err := f.update(func(w catalog.Writer) (err error) {
			keys, dropped, err = w.DropFiles(f.Context(), ages, 10)
			return err
		})
		if err != nil || len(keys) != wantKeys || dropped != wantDropped {
			f.Errorf("%+v: dropped %d, free %v: %v", ages, dropped, keys, err)
		}
	}
	drop(catalog.FileAges{Registered: 9000, Unattached: 1000, Detached: 1000}, 0, 0)
	drop(catalog.FileAges{Unattached: 1001}, 0, 1)
	drop(catalog.FileAges{Unattached: 5001}, 0, 1)
	err := f.update(func(w catalog.Writer) error {
		return errors.Join(w.LooseFiles(f.Context(), goods, name, 6000), w.LooseFiles(f.Context(), makers, 0, 6000))
	})
	if got := f.files(2); err != nil || got[0].Loose != 0 {
		f.Errorf("other files were detached: %+v, %v", got, err)
	}
	if err := f.update(func(w catalog.Writer) error { return w.LooseFiles(f.Context(), goods, files, 6000) }); err != nil {
		f.Fatal(err)
	}
	drop(catalog.FileAges{Unattached: 9000}, 0, 0)
	drop(catalog.FileAges{Detached: 6001}, 1, 1)
}
