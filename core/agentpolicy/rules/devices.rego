# SPDX-License-Identifier: Apache-2.0
# devices: volumes given as devices, and GPUs (VFIO), whose numbers must be those of the annotations that name them.
# Free in their form: addresses, and what Kata in Go says a device is called in the guest, which finds it by its address.
package agent_policy

devices_refused(entry) := {"devices" | not volumes_agree(entry)} | {"devices.gpu" | not gpus_agree(entry)}

vfio := policy_data.devices.vfio.device_path

gpus(devices) := [device | some device in items(devices); startswith(device.container_path, vfio)]

volumes_agree(entry) if {
	is_array(input.devices)
	given := [device | some device in input.devices; not device in gpus(input.devices)]
	wanted := [device.container_path | some device in entry.devices; not device in gpus(entry.devices)]
	same_set([device.container_path | some device in given], wanted)
	every device in given {
		misfits("", device, {
			"id": address_form[device.type_],
			"type_": object.keys(address_form),
			"vm_path": `(?:/dev/vd[a-z]{1,3})?`,
			"container_path": {device.container_path},
			"options": {[]},
		}, set()) == set()
	}
}

cdi_numbers := {number |
	some name, _ in annotations
	startswith(name, "cdi.k8s.io/vfio")
	number := trim_prefix(name, "cdi.k8s.io/vfio")
}

# devices that come with the machine are announced alone
gpus_agree(entry) if {
	gpus(input.devices) == []
	count(cdi_numbers) == count(gpus(entry.devices))
}

gpus_agree(entry) if {
	given := gpus(input.devices)
	count(given) == count(gpus(entry.devices))
	is_distinct(given)
	{trim_prefix(device.container_path, vfio) | some device in given} == cdi_numbers
	every device in given {
		number := trim_prefix(device.container_path, vfio)
		whole(`[0-9]{1,5}`, number)
		misfits("", device, {
			"id": {concat("", ["vfio", number])},
			"type_": {wanted.type_ | some wanted in gpus(entry.devices)},
			"vm_path": {""},
			"container_path": {device.container_path},
		}, {"options"}) == set()
		whole(`[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]=[0-9a-f]{2}(?:/[0-9a-f]{2}){0,7}`, device.options[0])
		count(device.options) == 1
	}
}
