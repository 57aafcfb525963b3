"""pyserial's handlers for the rig's own urls: module protocol_<scheme>, class Serial."""
