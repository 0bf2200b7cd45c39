"""What others read besides pages and API: Home Assistant by MQTT, calendars."""
