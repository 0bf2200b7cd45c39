"""Settings of the MQTT broker by which Home Assistant hears of usage points."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, field_validator

TOPIC = r"^[^#+\s\x00/]+(/[^#+\s\x00/]+)*$"


class MqttSettings(BaseModel):
    """Without an address nothing is published."""

    mqtt_url: str | None = Field(
        None,
        alias="WATTLEDGER_MQTT_URL",
        description="MQTT broker for Home Assistant: mqtt://host[:port], with TLS mqtts://host[:port].",
    )
    mqtt_user: str | None = Field(None, alias="WATTLEDGER_MQTT_USER", description="Its user.")
    mqtt_password: SecretStr | None = Field(
        None, alias="WATTLEDGER_MQTT_PASSWORD", description="Its password."
    )
    mqtt_ca: Path | None = Field(
        None,
        alias="WATTLEDGER_MQTT_CA",
        description="Certificates of the authority that signed the broker's, where the system has none.",
    )
    mqtt_discovery: str = Field(
        "homeassistant",
        alias="WATTLEDGER_MQTT_DISCOVERY",
        description="Home Assistant's discovery prefix.",
        pattern=TOPIC,
    )
    mqtt_topic: str = Field(
        "wattledger",
        alias="WATTLEDGER_MQTT_TOPIC",
        description="Topic under which states stand; another one for each hub on a broker.",
        pattern=TOPIC,
    )
    mqtt_sites: tuple[str, ...] = Field(
        (),
        alias="WATTLEDGER_MQTT_SITES",
        description="Ids of the published sites, comma separated. Default: the only site there is.",
    )

    @field_validator("mqtt_sites", mode="before")
    @classmethod
    def _sites(cls, value: object) -> object:
        return tuple(v.strip() for v in value.split(",") if v.strip()) if isinstance(value, str) else value
