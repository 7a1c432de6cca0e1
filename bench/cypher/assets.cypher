MATCH (a:Asset) WHERE a.id > $after
WITH a ORDER BY a.id LIMIT 1000
RETURN collect([a.id, a.kind, a.name, a.manufacturer, a.model, a.serial_number, a.firmware, a.device_type, a.channel,
                a.online]) AS assets
