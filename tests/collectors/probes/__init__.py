"""Tests of the probes, on recorded trees and on the live host."""
