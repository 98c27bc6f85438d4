//go:build !chaos

package main

// ownPace is the pace of this build.
func ownPace() pace { return usualPace() }
