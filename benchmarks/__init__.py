"""What Backchannel costs, measured against others in the same run; see docs/performance.md."""
