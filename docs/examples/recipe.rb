# A Chef recipe: the package, its configuration, and the sites of node['mini_sendmail']['sites'],
#
#   'site1' => { 'root' => '/srv/site1', 'user' => 'site1', 'domain' => 'site1.example' }
#
# The users and the jails are somebody else's, who comes first.

apt_repository 'mini-sendmail' do
  uri 'https://apt.example.org/mini-sendmail'
  distribution './'
  components []
  key 'https://apt.example.org/mini-sendmail/mini-sendmail.asc'
end

apt_preference 'mini-sendmail' do
  pin 'release o=mini-sendmail'
  pin_priority '990'
end

apt_package 'mini-sendmail' do
  version node['mini_sendmail']['version'] if node['mini_sendmail']['version']
end

# In front of the service, so that a mistake in it can be mended by the next run.
file '/etc/mini-sendmail/flushd.conf' do
  content <<~CONF
    relay = 127.0.0.1:25
    messages_per_hour = 1000
  CONF
  # With a mistake in it, flushd goes on with what it has, and says so in its log.
  notifies :reload, 'service[flushd]'
end

service 'flushd' do
  supports reload: true, restart: true, status: true
  action %i(enable start)
end

node['mini_sendmail']['sites'].each do |name, site|
  execute "mail of #{name}" do
    command ['flushctl', 'site', 'add', site['root'], '--name', name,
             '--user', site['user'], '--domain', site['domain']]
    not_if "flushctl site check --quiet #{name}"
  end
end
