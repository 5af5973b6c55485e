# SPDX-License-Identifier: Apache-2.0
# devices: volumes given as devices, and GPUs (VFIO), whose numbers must be those of the annotations that name them.
package agent_policy

devices_refused(entry) := {"devices" | not devices_agree(entry)} | {"devices.gpu" | not gpus_agree(entry)}

vfio_path := policy_data.devices.vfio.device_path

is_gpu(device) if startswith(device.container_path, vfio_path)

devices_agree(entry) if {
	plain_devices := [device | some device in input.devices; not is_gpu(device)]
	every device in input.devices {
		has_members(device, {"id", "type_", "vm_path", "container_path", "options"})
	}
	wanted := [device.container_path | some device in entry.devices; not is_gpu(device)]
	same_set([device.container_path | some device in plain_devices], wanted)
	count(plain_devices) == count(wanted)
	every device in plain_devices {
		plain_device_form(device)
	}
}

# Kata in Go says what it thinks the device is called in the guest, which finds it by its address.
plain_device_form(device) if {
	device.options == []
	whole(`(/dev/vd[a-z]{1,3})?`, device.vm_path)
	device_address(device.type_, device.id)
}

gpu_entries(entry) := [device | some device in entry.devices; is_gpu(device)]

gpus := [device | some device in input.devices; is_gpu(device)]

cdi_numbers := {number |
	some name in object.keys(annotations)
	startswith(name, "cdi.k8s.io/vfio")
	number := trim_prefix(name, "cdi.k8s.io/vfio")
	whole(`[0-9]{1,5}`, number)
}

gpus_agree(entry) if {
	count(gpus) == 0
	count(cdi_numbers) == count(gpu_entries(entry))
}

gpus_agree(entry) if {
	count(gpus) == count(gpu_entries(entry))
	is_distinct(gpus)
	numbers := {number | some device in gpus; number := trim_prefix(device.container_path, vfio_path)}
	numbers == cdi_numbers
	every device in gpus {
		device.id == concat("", ["vfio", trim_prefix(device.container_path, vfio_path)])
		device.vm_path == ""
		count(device.options) > 0
		count(device.options) <= 16
		every option in device.options {
			whole(`[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]=[0-9a-f]{2}(/[0-9a-f]{2}){0,7}`, option)
		}
		some wanted in gpu_entries(entry)
		wanted.type_ == device.type_
	}
}
