"""Vendors' register maps: what is taken, and what a person is told to look at."""

import tomllib
from pathlib import Path

import pytest

from adapters.iot.register_maps import read_vendor_maps, to_toml
from adapters.iot.registers import RegisterMap, RegisterType, Table, joined_reads

FILES = {  # rows that become registers (a bool8 becomes eight), of each file's devices
    "modpoll__contrib~eastron~SDM120M.csv": None,
    "modpoll__contrib~eastron~SDM72D-M.csv": None,
    "modpoll__contrib~eniwise~scpms6.csv": None,
    "modpoll__contrib~huawei~smartlogger~power_meter.csv": None,
    "modpoll__contrib~huawei~sun2000~real_time_sampling.csv": None,
    "modpoll__contrib~labjack~labjack.csv": None,
    "modpoll__contrib~microstar~microstar_p2000.csv": None,
    "modpoll__contrib~morningstar~tristar.csv": None,
    "modpoll__contrib~xy~xy-md02.csv": None,
    "modpoll__examples~config_template.csv": None,
    "modpoll__examples~modsim.csv": None,
    "modpoll__examples~modsim2.csv": None,
}


@pytest.mark.parametrize("file", FILES)
def test_each_vendors_file_is_read_whole_or_says_what_is_left_out(samples: Path, file: str) -> None:
    text = (samples / "modbus-maps" / file).read_text(encoding="utf-8-sig")
    wanted = sum(line.startswith("ref,") for line in text.splitlines())
    got = 0
    for found in read_vendor_maps(text):
        rows = {row.name.partition(".")[0] if row.type in _FLAGS else row.name for row in found.map.registers}
        left_out = sum("left out" in warning.text for warning in found.warnings)
        got += len(rows) + left_out
        again = RegisterMap.model_validate(tomllib.loads(to_toml(found.map)))
        assert again == found.map
        covered = [row.name for read in joined_reads(found.map) for row in read.rows]
        assert len(covered) == sum(row.type is not RegisterType.STRING for row in found.map.registers)
        assert all(read.count <= (2000 if read.table.of_bits else 125) for read in joined_reads(found.map))
    assert got == wanted


_FLAGS = {RegisterType.BOOL, RegisterType.BIT}


def test_huaweis_divisors_are_kept_as_they_stand_and_told(samples: Path) -> None:
    text = (samples / "modbus-maps" / "modpoll__contrib~huawei~smartlogger~power_meter.csv").read_text(encoding="utf-8")
    (found,) = read_vendor_maps(text)
    voltage = found.map.registers[0]
    assert (voltage.name, voltage.scale, voltage.unit) == ("1_PHASE_A_VOLTAGE", 100.0, "V")
    told = [str(warning) for warning in found.warnings]
    assert any("'1_PHASE_A_VOLTAGE': the scale 100 multiplies" in text and "write 0.01" in text for text in told)
    assert any("'3_PHASE_C_VOLTAGE': there is no type 'unit32' (uint32?): left out" in text for text in told)
    assert told[0].startswith("line 3: ")


def test_bits_strings_orders_and_scales() -> None:
    (found,) = read_vendor_maps(
        "# a comment\n"
        "device,panel,7\n"
        "poll,coil,100,12,BE_BE\n"
        "ref,c1-8,100,bool8,rw\n"
        "ref,c9-12,101,bool8,rw\n"
        "poll,holding_register,0,40,LE_BE\n"
        "ref,flags,0,bool16,r\n"
        "ref,serial,1,string16,r\n"
        "ref,power,9,float32,r,kW,0.1\n"
        "ref,plain,11,,r\n"
    )
    assert (found.device, found.unit, found.warnings) == ("panel", 7, ())
    coils = [row for row in found.map.registers if row.table is Table.COIL]
    assert [row.address for row in coils] == list(range(100, 112))
    rows = {row.name: row for row in found.map.registers}
    assert (rows["flags.16"].address, rows["flags.16"].bit) == (0, 15)
    assert (rows["serial"].type, rows["serial"].length) == (RegisterType.STRING, 8)
    power = rows["power"]
    assert (power.byte_order, power.word_order, power.scale, power.unit) == ("little", "big", 0.1, "kW")
    assert rows["plain"].type is RegisterType.UINT16


def test_what_cannot_be_is_left_out_and_told() -> None:
    (found,) = read_vendor_maps(
        "device,d,1\n"
        "poll,holding_register,0,10,BE_BE\n"
        "ref,a,0,float32,r\n"
        "ref,b,1,uint16,r\n"
        "ref,a,4,uint16,r\n"
        "ref,far,70000,uint16,r\n"
        "ref,odd,x,uint16,r\n"
        "ref,unit,6,uint16,r,furlong\n"
        "poll,holding,0,10,BE_BE\n"
        "ref,lost,0,uint16,r\n"
    )
    assert [row.name for row in found.map.registers] == ["a", "a (2)", "unit"]
    told = [str(warning) for warning in found.warnings]
    for line, text in [
        (4, "'b' overlaps 'a' (0–1): left out"),
        (5, "the name 'a' stands twice"),
        (6, "not 70000: left out"),
        (7, "the address 'x' is no number"),
        (8, "furlong"),
        (9, "there is no table 'holding'"),
        (10, "'lost' follows no poll"),
    ]:
        assert any(one.startswith(f"line {line}: ") and text in one for one in told), (line, text, told)


@pytest.mark.parametrize("text", ["", "name,address\nu,1\n", "ref,a,0,uint16\n", "device,d,1\n"])
def test_a_file_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"modpoll's form|no device with a register"):
        read_vendor_maps(text)
