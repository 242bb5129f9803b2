alter policy seen on channels
using (id in (select channel_id from own_channels)
       or is_open(type, is_private, department_id)
       or (created_by = (select viewer_id()) and position = 0));
alter policy changed on channels
using (id in (select channel_id from own_channels)
       or is_open(type, is_private, department_id)
       or (created_by = (select viewer_id()) and position = 0));

alter policy sent on messages
with check ((sender_id = (select viewer_id())
             or content_type = 'SYSTEM'
                and content in ('joined the channel', 'left the channel',
                                'was added to the channel', 'was removed from the channel'))
       and (channel_id in (select channel_id from own_channels)
            or (select true from open_channels o where o.channel_id = messages.channel_id)));
alter policy changed on messages
using (channel_id in (select channel_id from own_channels));

alter policy made on events
with check ((actor_id = (select viewer_id()) or kind = 'MessageSent')
       and (channel_id in (select channel_id from own_channels)
            or (select true from open_channels o where o.channel_id = events.channel_id)));
