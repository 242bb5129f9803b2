-- Policies for single rows: what is written, and the channel that nearly every operation begins
-- with. A list of all channels of the viewer's is worth drawing up where many rows are read;
-- for one row it is most of the work, and each policy draws up its own. Whether the viewer is
-- in this one channel is a look into an index. What they see says the same as before.

alter policy seen on channels
using (is_open(type, is_private, department_id)
       or (select true from own_channels o where o.channel_id = channels.id)
       or (created_by = (select viewer_id()) and position = 0));
alter policy changed on channels
using (is_open(type, is_private, department_id)
       or (select true from own_channels o where o.channel_id = channels.id)
       or (created_by = (select viewer_id()) and position = 0));

alter policy sent on messages
with check ((sender_id = (select viewer_id())
             or content_type = 'SYSTEM'
                and content in ('joined the channel', 'left the channel',
                                'was added to the channel', 'was removed from the channel'))
       and ((select true from own_channels o where o.channel_id = messages.channel_id)
            or (select true from open_channels o where o.channel_id = messages.channel_id)));
alter policy changed on messages
using ((select true from own_channels o where o.channel_id = messages.channel_id));

alter policy made on events
with check ((actor_id = (select viewer_id()) or kind = 'MessageSent')
       and ((select true from own_channels o where o.channel_id = events.channel_id)
            or (select true from open_channels o where o.channel_id = events.channel_id)));
