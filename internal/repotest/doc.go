// Package repotest holds tests of the repository itself: the order of the
// rooms, sizes, dependencies and their licences, words that must not appear.
//
// It must not know what any room does; it reads source files, go.mod and the
// list of tracked files.
package repotest
