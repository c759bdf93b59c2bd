"""Which bytes are judged? Git trees, working trees and strangers' repositories, read without trust."""
